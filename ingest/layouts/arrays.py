"""`.npz`: images (N, H, W), (N, H, W, 1 or 3) or (N, 1 or 3, H, W) uint8 with labels, whole or one pair for each split.

Arrays are streamed row by row and never unpickled.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from tokenize import TokenError
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from contract.pack.manifest import Split
from ingest import names
from ingest.archives.budget import CHUNK, Counted
from ingest.archives.members import Member
from ingest.archives.zip_archive import DAMAGE, ZipArchive
from ingest.findings import Refused
from ingest.limits import Limits
from ingest.samples import Sample

_IMAGES = {"images", "image", "imgs", "img", "x", "data"}
_LABELS = {"labels", "label", "y", "targets", "target", "classes", "class"}
_FIX = "Save uint8 `images` (N, H, W, 3) and `labels` (N,), or train_images, train_labels, test_images ... ."


class Header(NamedTuple):
    member: Member
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @property
    def key(self) -> str:
        return names.stem(self.member.path)


class Pair(NamedTuple):
    split: Split | None
    images: Header
    labels: list[str]


@dataclass(frozen=True)
class Arrays:
    archive: ZipArchive
    pairs: list[Pair]

    @property
    def total(self) -> int:
        return sum(pair.images.shape[0] for pair in self.pairs)

    def samples(self) -> Iterator[Sample]:
        for pair in self.pairs:
            for number, pixels in enumerate(_rows(self.archive, pair.images)):
                yield Sample(f"{pair.images.key}[{number}]", pair.labels[number], pair.split, pixels)


def open_arrays(archive: ZipArchive, members: list[Member], limits: Limits) -> Arrays:
    """Find image and label arrays that belong together, and read the labels. Raises Refused."""
    headers = [_header(archive, member) for member in members]
    pairs = []
    for split, (images, labels) in _matched(headers).items():
        _check_images(images, limits)
        pairs.append(Pair(split, images, _labels(archive, labels, images.shape[0], limits)))
    if sum(pair.images.shape[0] for pair in pairs) > limits.entries:
        raise Refused("too_many_entries", f"The arrays hold more than {limits.entries:,} images.", "Split them.")
    return Arrays(archive, pairs)


def _header(archive: ZipArchive, member: Member) -> Header:
    try:
        with archive.open(member.position) as stream:
            shape, fortran, dtype = _read_header(stream)
    except (*DAMAGE, SyntaxError, TokenError) as error:  # a header is a Python literal, which NumPy mends by its tokens
        raise _damaged(member, error) from error
    if dtype.hasobject:
        raise Refused("array_of_objects", f"{names.stem(member.path)} is pickled and will not be opened.", _FIX)
    if fortran and len([side for side in shape if side != 1]) > 1:
        raise Refused(
            "array_order", f"{names.stem(member.path)} is stored column by column.", "Use np.ascontiguousarray."
        )
    return Header(member, shape, dtype)


def _read_header(stream: Counted) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = npy.read_magic(stream)  # type: ignore[arg-type]
    if version == (1, 0):
        return npy.read_array_header_1_0(stream)  # type: ignore[arg-type]
    if version == (2, 0):
        return npy.read_array_header_2_0(stream)  # type: ignore[arg-type]
    raise ValueError(f"npy version {version} is not read")


def _matched(headers: list[Header]) -> dict[Split | None, tuple[Header, Header]]:
    """Image and label arrays for each split, by their names; by their shapes where there are just two."""
    found: dict[Split | None, dict[str, Header]] = {}
    for header in headers:
        words = re.split(r"[^a-z0-9]+", header.key.lower())
        role = next((role for role, known in (("x", _IMAGES), ("y", _LABELS)) if known & set(words)), None)
        split = next((split for word in words if (split := names.split_named(word)) is not None), None)
        if role is not None:
            found.setdefault(split, {}).setdefault(role, header)
    pairs = {split: (roles["x"], roles["y"]) for split, roles in found.items() if len(roles) == 2}
    if not pairs and len(headers) == 2:
        images, labels = sorted(headers, key=lambda header: -len(header.shape))
        pairs = {None: (images, labels)}
    if not pairs:
        keys = ", ".join(sorted(header.key for header in headers)[:20])
        raise Refused("arrays_unknown", f"No pair of image and label arrays among: {names.printable(keys)}.", _FIX)
    return {None: pairs[None]} if None in pairs else pairs


def _check_images(images: Header, limits: Limits) -> None:
    shape = images.shape
    if images.dtype != np.uint8:
        raise Refused("array_type", f"{images.key} is {images.dtype}, not uint8.", "Save pixels as uint8 in 0..255.")
    colour = len(shape) == 4 and (shape[3] in {1, 3} or shape[1] in {1, 3})
    if not (colour or len(shape) == 3) or min(shape) < 1:
        raise Refused("array_shape", f"{images.key} has shape {shape}.", _FIX)
    if np.prod(shape[1:], dtype=float) > limits.pixels * 3:
        raise Refused("too_many_pixels", f"Images of {images.key} have more than {limits.pixels:,} pixels.", None)


def _labels(archive: ZipArchive, header: Header, images: int, limits: Limits) -> list[str]:
    """One class name for each image. Raises Refused."""
    if header.shape not in {(images,), (images, 1)}:
        message = f"{header.key} has shape {header.shape}, but one label is needed for each of {images} images."
        raise Refused("array_shape", message, "Give one class number or name for each image.")
    if header.dtype.kind not in "biufUS" or images * header.dtype.itemsize > limits.table_bytes:
        raise Refused("array_type", f"{header.key} is {header.dtype}: no class numbers or names.", _FIX)
    try:
        values = [value for block in _blocks(archive, header) for value in block.reshape(-1).tolist()]
    except ValueError as error:  # code points that are no characters
        raise _damaged(header.member, error) from error
    return [_class_name(header, value) for value in values]


def _class_name(header: Header, value: object) -> str:
    name = names.class_name(value)
    if name is None:
        raise Refused("array_type", f"{header.key} holds {value!r}, which names no class.", _FIX)
    return name


def _rows(archive: ZipArchive, images: Header) -> Iterator[NDArray[np.uint8]]:
    """Each image as (H, W, C)."""
    shape = images.shape
    for block in _blocks(archive, images):
        if len(shape) == 3:
            yield from block[..., None]
        elif shape[3] in {1, 3}:
            yield from block
        else:
            yield from np.ascontiguousarray(block.transpose(0, 2, 3, 1))


def _blocks(archive: ZipArchive, header: Header) -> Iterator[NDArray[np.generic]]:
    """The array in blocks of whole rows. Raises Refused where it is shorter than it says."""
    row_bytes = header.dtype.itemsize * int(np.prod(header.shape[1:], dtype=np.int64))
    left = header.shape[0]
    try:
        with archive.open(header.member.position) as stream:
            _read_header(stream)
            while left:
                rows = min(left, max(1, CHUNK // max(row_bytes, 1)))
                block = _exactly(stream, rows * row_bytes)
                yield np.frombuffer(block, header.dtype).reshape(rows, *header.shape[1:])
                left -= rows
    except DAMAGE as error:
        raise _damaged(header.member, error) from error


def _exactly(stream: Counted, size: int) -> bytes:
    parts = []
    while size:
        part = stream.read(min(size, CHUNK))
        if not part:
            raise EOFError("it is shorter than its header says")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _damaged(member: Member, error: BaseException) -> Refused:
    message = f"{names.stem(member.path)} is damaged: {names.printable(str(error))}."
    return Refused("array_damaged", message, "Save the arrays again with np.savez_compressed.")
