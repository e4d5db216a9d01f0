"""Pictures that look nearly the same, across splits and within them. Shapes: N pictures, P pairs, D numbers of a tile.

Each picture's tile (`images.miniatures`) gives a perceptual hash of 63 bits: on which side of random planes it lies
(Charikar 2002). Pictures whose hashes agree in some choice of bits become candidates, by sorting, so that the work
grows as n log n; their tiles then decide. Twins that differ much (cropped, mirrored) are not found.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIMILAR = 0.98  # correlation from which two tiles show one picture
_BITS = 63
_TABLES = 16  # choices of bits
_NEIGHBOURS = 8  # that a picture is compared with in each table
_FARTHEST = 9  # bits in which the hashes of twins differ at most; 4 are to be expected
_MOST = 1_000_000  # candidates, so that memory stays flat where all pictures are alike
_CHUNK = 4_096
_FLATTEST = 4.0  # standard deviation of pixel values: below it there is nothing to compare by
Floats = NDArray[np.float32]
Tiles = Callable[[NDArray[np.int64]], NDArray[np.uint8]]  # (n, D) of these pictures


@dataclass(frozen=True)
class Pairs:
    """Pictures by their number; `first` is the lower one."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    similarity: Floats


def find(pictures: int, tiles: Tiles) -> Pairs:
    """All pairs that were found among `pictures` pictures, each once."""
    hashes = np.zeros(pictures, np.uint64)
    telling = np.zeros(pictures, bool)
    for start in range(0, pictures, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, pictures))
        hashes[rows], telling[rows] = _hashed(tiles(rows))
    chosen = np.flatnonzero(telling)
    return _verified(_candidates(hashes[chosen], chosen), tiles)


def _hashed(tiles_ND: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:  # noqa: N803 - shape suffix
    """Hash of each tile, and whether it shows anything."""
    planes = np.random.default_rng(0).standard_normal((tiles_ND.shape[1], _BITS)).astype(np.float32)
    bits = np.zeros((len(tiles_ND), 64), np.uint8)
    bits[:, 1:] = _normalised(tiles_ND) @ planes > 0
    return np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64), tiles_ND.std(axis=1) >= _FLATTEST


def _candidates(hashes: NDArray[np.uint64], pictures: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs (P, 2) whose hashes agree in the bits of one of the tables, and differ little in the others."""
    random = np.random.default_rng(0)
    wide = int(np.clip(np.ceil(np.log2(max(len(hashes), 2))), 8, 20))
    found = np.zeros(0, np.int64)
    for _ in range(_TABLES):
        mask = np.bitwise_or.reduce(np.uint64(1) << random.permutation(_BITS)[:wide].astype(np.uint64))
        found = np.union1d(found, _beside(hashes, hashes & mask))
        if len(found) > _MOST:
            break
    first, second = np.divmod(found[:_MOST], np.int64(max(len(hashes), 1)))
    return np.stack([pictures[first], pictures[second]], axis=1)


def _beside(hashes: NDArray[np.uint64], keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Pairs with equal keys that stand within _NEIGHBOURS places when sorted: first * N + second."""
    order = np.lexsort((hashes, keys))
    near = []
    for step in range(1, _NEIGHBOURS + 1):
        one, other = order[:-step], order[step:]
        together = keys[one] == keys[other]
        one, other = one[together], other[together]
        close = np.bitwise_count(hashes[one] ^ hashes[other]) <= _FARTHEST
        one, other = one[close], other[close]
        near.append(np.minimum(one, other) * len(hashes) + np.maximum(one, other))
    return np.concatenate(near)


def _verified(candidates_P2: NDArray[np.int64], tiles: Tiles) -> Pairs:  # noqa: N803 - shape suffix
    similarity = np.zeros(len(candidates_P2), np.float32)
    for start in range(0, len(candidates_P2), _CHUNK):
        part = candidates_P2[start : start + _CHUNK]
        rows, places = np.unique(part, return_inverse=True)
        numbers = _normalised(tiles(rows))
        first, second = places.reshape(-1, 2).T
        similarity[start : start + _CHUNK] = (numbers[first] * numbers[second]).sum(axis=1)
    alike = similarity >= SIMILAR
    return Pairs(candidates_P2[alike, 0], candidates_P2[alike, 1], similarity[alike].clip(max=1))


def _normalised(tiles_ND: NDArray[np.uint8]) -> Floats:  # noqa: N803 - shape suffix
    """Without brightness and contrast."""
    centred = tiles_ND.astype(np.float32)
    centred -= centred.mean(axis=1, keepdims=True)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True).clip(min=1e-6)
    return centred
