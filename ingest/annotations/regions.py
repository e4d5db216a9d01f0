"""Regions as COCO states them, polygons and run lengths, and the mask they make of an image.

Polygons are rasterised by pycocotools, whose rule is COCO's own. Run lengths are not given to its C code: they come
from strangers, and may promise any size.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from contract.pack.manifest import IGNORE
from ingest.annotations.boxes import OVERHANG_PX, OVERHANG_SHARE
from ingest.notes import Unusable

Filled = NDArray[np.bool_]  # (height, width)
_LONGEST_OUTLINE = 200  # times height + width; pycocotools takes memory in proportion
_DRAW_AGAIN = "Draw the region again, or export the annotations again."


@dataclass(frozen=True, slots=True)
class Polygons:
    corners: list[NDArray[np.float64]]  # (N, 2) each, x and y

    @property
    def weight(self) -> int:
        return sum(polygon.nbytes for polygon in self.corners)


@dataclass(frozen=True, slots=True)
class Runs:
    """Lengths of runs of 0 and 1 by turns, column by column; a string is COCO's compressed form."""

    size: tuple[int, int]  # height, width
    counts: NDArray[np.int64] | bytes

    @property
    def weight(self) -> int:
        return len(self.counts) if isinstance(self.counts, bytes) else self.counts.nbytes


Region = Polygons | Runs


def parse_region(stated: object) -> Region:
    """What a COCO annotation's `segmentation` says. Raises Unusable."""
    if isinstance(stated, dict):
        return _runs(stated)
    if not isinstance(stated, list) or not stated:
        raise _malformed("an annotation has no polygon and no run lengths")
    lists = stated if isinstance(stated[0], list) else [stated]
    return Polygons([_polygon(corners) for corners in lists])


def paint(regions: list[tuple[Region, int]], height: int, width: int) -> NDArray[np.uint8]:
    """A mask of 0 and the classes that the regions belong to; IGNORE where regions of two classes overlap."""
    mask = np.zeros((height, width), np.uint8)
    for number in dict.fromkeys(number for _, number in regions):
        filled = _filled([region for region, owner in regions if owner == number], height, width)
        contested = filled & (mask != 0)
        mask[filled] = number
        mask[contested] = IGNORE
    return mask


def fill_runs(runs: Runs, height: int, width: int) -> Filled:
    """Raises Unusable where the runs are not those of this image."""
    if runs.size != (height, width):
        message = f"run lengths of {runs.size[1]} x {runs.size[0]} px stand on an image of {width} x {height}"
        raise Unusable("size_mismatch", message, "Annotate this very image.")
    counts = _uncompressed(runs.counts) if isinstance(runs.counts, bytes) else runs.counts
    if (counts < 0).any() or (counts > height * width).any() or counts.sum() != height * width:
        raise _malformed("run lengths do not add up to the image")
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape((height, width), order="F")


def fill_polygons(polygons: list[NDArray[np.float64]], height: int, width: int) -> Filled:
    """The union of polygons. Raises Unusable where one is not of this image."""
    for corners in polygons:
        _check_place(corners, height, width)
    flat = [corners.reshape(-1).tolist() for corners in polygons]
    merged = coco_mask.merge(coco_mask.frPyObjects(flat, height, width))
    filled: Filled = coco_mask.decode(merged).astype(bool)
    return filled


def _filled(regions: list[Region], height: int, width: int) -> Filled:
    filled = np.zeros((height, width), bool)
    polygons = [corners for region in regions if isinstance(region, Polygons) for corners in region.corners]
    if polygons:
        filled |= fill_polygons(polygons, height, width)
    for region in regions:
        if isinstance(region, Runs):
            filled |= fill_runs(region, height, width)
    return filled


def _check_place(corners: NDArray[np.float64], height: int, width: int) -> None:
    sides = np.array([width, height], np.float64)
    slack = np.maximum(sides * OVERHANG_SHARE, OVERHANG_PX)
    if ((corners < -slack) | (corners > sides + slack)).any():
        raise Unusable("region_outside", "a polygon reaches beyond the image", "Draw it in pixels of this image.")
    outline = np.abs(np.diff(corners, axis=0)).max(axis=1).sum()
    if outline > _LONGEST_OUTLINE * (height + width):
        raise Unusable("region_too_complex", "a polygon's outline is absurdly long", _DRAW_AGAIN)


def _polygon(stated: object) -> NDArray[np.float64]:
    if not isinstance(stated, list) or len(stated) < 6 or len(stated) % 2:
        raise _malformed("a polygon needs three or more pairs of x and y")
    if not all(type(value) in {int, float} for value in stated):
        raise _malformed("a polygon holds something else than numbers")
    try:
        corners = np.array(stated, np.float64).reshape(-1, 2)
    except OverflowError as error:
        raise _malformed("a polygon holds a number without bounds") from error
    if not np.isfinite(corners).all():
        raise _malformed("a polygon holds a number that is not finite")
    return corners


def _runs(stated: dict[str, object]) -> Runs:
    size, counts = stated.get("size"), stated.get("counts")
    if not isinstance(size, list) or len(size) != 2 or not all(type(side) is int and side > 0 for side in size):
        raise _malformed("run lengths state no size")
    if isinstance(counts, str) and counts.isascii():
        return Runs((size[0], size[1]), counts.encode())
    if not isinstance(counts, list) or not all(type(count) is int and 0 <= count < 2**40 for count in counts):
        raise _malformed("run lengths are no list of whole numbers")
    return Runs((size[0], size[1]), np.array(counts, np.int64))


def _uncompressed(text: bytes) -> NDArray[np.int64]:
    """Six bits a character: five of the number, low ones first, and whether more follow (pycocotools, maskApi.c)."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = character - 48
        if not 0 <= bits < 64 or shift > 40:
            raise _malformed("run lengths hold a character that stands for nothing")
        value |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:
            if bits & 0x10:
                value -= 1 << shift
            counts.append(value + counts[-2] if len(counts) > 2 else value)
            value = shift = 0
    if shift or any(not 0 <= count < 2**40 for count in counts):
        raise _malformed("run lengths are cut short or negative")
    return np.array(counts, np.int64)


def _malformed(message: str) -> Unusable:
    return Unusable("region_malformed", message, _DRAW_AGAIN)
