"""Classes that look alike, by colours and outlines of their pictures' tiles. Shapes: n pictures, D numbers.

No network is at hand here. So this says which classes a cheap eye mixes up: a hint where labels may be mixed up or
classes be one, not how well a network will do.
"""

import numpy as np
from numpy.typing import NDArray

from contract.results.inspected import AlikeClasses
from ingest.images.miniatures import TILE

_PICTURES = 2_000  # at most, of all classes together
_PER_CLASS = (8, 100)  # fewer say nothing; more say no more
_NEAREST = 5
_MIXED = 0.35  # from here on two classes are alike
_LISTED = 10
_CELLS = 4  # each way
_DIRECTIONS = 8
Floats = NDArray[np.float32]


def sampled(label: NDArray[np.int32], classes: int) -> NDArray[np.int64]:
    """Pictures to look at, equally many of each class that has enough."""
    counts = np.bincount(label[label >= 0], minlength=classes)
    judged = np.flatnonzero(counts >= _PER_CLASS[0])
    if len(judged) < 2:
        return np.zeros(0, np.int64)
    each = int(np.clip(_PICTURES // len(judged), *_PER_CLASS))
    order = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[order], judged)
    chosen = [
        order[start + np.linspace(0, counts[number] - 1, min(each, counts[number])).astype(np.int64)]
        for start, number in zip(starts.tolist(), judged.tolist(), strict=True)
    ]
    return np.concatenate(chosen)[:_PICTURES]


def find(tiles_ND: NDArray[np.uint8], label: NDArray[np.int32], classes: list[str]) -> list[AlikeClasses]:  # noqa: N803
    """The pairs of classes that are mixed up most, from `_MIXED` on."""
    if not len(label):
        return []
    numbers, places = np.unique(label, return_inverse=True)
    near = _neighbours(_features(tiles_ND))
    counts = np.zeros((len(numbers), len(numbers)))
    np.add.at(counts, (np.repeat(places, near.shape[1]), places[near].reshape(-1)), 1)
    own = counts.diagonal()
    crossed = counts + counts.T
    mixed = crossed / np.maximum(crossed + own[:, None] + own[None], 1)
    first, second = np.nonzero(np.triu(mixed >= _MIXED, k=1))
    order = np.argsort(-mixed[first, second], kind="stable")[:_LISTED]
    return [
        AlikeClasses(
            first=classes[numbers[first[at]]],
            second=classes[numbers[second[at]]],
            mixed=round(float(mixed[first[at], second[at]]), 3),
        )
        for at in order.tolist()
    ]


def _neighbours(features_ND: Floats) -> NDArray[np.int64]:  # noqa: N803 - shape suffix
    """The nearest others of each, (n, up to _NEAREST)."""
    likeness = features_ND @ features_ND.T
    np.fill_diagonal(likeness, -np.inf)
    nearest = min(_NEAREST, len(likeness) - 1)
    return np.argpartition(-likeness, nearest - 1, axis=1)[:, :nearest]


def _features(tiles_ND: NDArray[np.uint8]) -> Floats:  # noqa: N803 - shape suffix
    """Mean colours and directions of edges in CELLS x CELLS fields; each half of length 1."""
    tiles = tiles_ND.reshape(-1, TILE, TILE, 3).astype(np.float32)
    step = TILE // _CELLS
    fields = (len(tiles), _CELLS, step, _CELLS, step, -1)
    colours = tiles.reshape(fields).mean(axis=(2, 4)).reshape(len(tiles), -1)
    down, across = np.gradient(tiles.mean(axis=3), axis=(1, 2))
    turn = (np.arctan2(down, across) % np.pi) / np.pi * _DIRECTIONS
    direction = np.eye(_DIRECTIONS, dtype=np.float32)[turn.astype(np.int64) % _DIRECTIONS]
    edges = (direction * np.hypot(down, across)[..., None]).reshape(fields).sum(axis=(2, 4)).reshape(len(tiles), -1)
    return np.concatenate([_unit(colours - colours.mean(axis=0)), _unit(edges)], axis=1)


def _unit(rows_ND: Floats) -> Floats:  # noqa: N803 - shape suffix
    unit: Floats = rows_ND / np.linalg.norm(rows_ND, axis=1, keepdims=True).clip(min=1e-6)
    return unit
