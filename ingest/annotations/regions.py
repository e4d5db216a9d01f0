"""Regions of an image, polygons with holes, run lengths or small bitmaps, and the mask they make of it.

Polygons are rasterised by pycocotools, whose rule is COCO's own. Run lengths are not given to its C code: they come
from strangers, and may promise any size. Where regions overlap, the later in z-order lies on top if the dataset states
one; else the smaller one does, and of two equal ones the later.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from ingest.annotations.boxes import OVERHANG_PX, OVERHANG_SHARE, Corners
from ingest.annotations.run_lengths import Runs, parse_runs
from ingest.notes import Unusable

Filled = NDArray[np.bool_]  # (height, width)
_LONGEST_OUTLINE = 200  # times height + width; pycocotools takes memory in proportion
_MOST_FILLING = 400  # times height x width, over all regions of an image
_DRAW_AGAIN = "Draw the region again, or export the annotations again."


@dataclass(frozen=True, slots=True)
class Polygons:
    corners: list[Corners]  # (N, 2) each, x and y
    holes: tuple[Corners, ...] = ()

    @property
    def weight(self) -> int:
        return sum(polygon.nbytes for polygon in (*self.corners, *self.holes))

    def area(self) -> float:
        return sum(map(_area, self.corners)) - sum(map(_area, self.holes))

    def bounds(self) -> tuple[float, float, float, float]:
        every = np.concatenate(self.corners)
        low, high = every.min(axis=0), every.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def scaled(self, width: float, height: float) -> "Polygons":
        sides = np.array([width, height], np.float64)
        return Polygons([each * sides for each in self.corners], tuple(each * sides for each in self.holes))


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A small picture of the region, and where its upper left corner lies."""

    filled: Filled
    left: int
    top: int

    @property
    def weight(self) -> int:
        return self.filled.nbytes

    def area(self) -> float:
        return float(self.filled.sum())

    def bounds(self) -> tuple[float, float, float, float]:
        rows, columns = (np.flatnonzero(self.filled.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            raise malformed("A bitmap is empty.")
        left, top = float(self.left), float(self.top)
        return left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1


Region = Polygons | Runs | Bitmap


class Painted(NamedTuple):
    mask: NDArray[np.uint8]
    overlap_px: int  # pixels that regions of two classes claim


def parse_region(stated: object) -> Region:
    """What a COCO annotation's `segmentation` says. Raises Unusable."""
    if isinstance(stated, dict):
        return parse_runs(stated)
    if not isinstance(stated, list) or not stated:
        raise malformed("An annotation has no polygon and no run lengths.")
    lists = stated if isinstance(stated[0], list) else [stated]
    return Polygons([polygon(corners) for corners in lists])


def paint(regions: list[tuple[Region, int, int]], height: int, width: int) -> Painted:
    """A mask of 0 and the classes of the regions, each given with its class and its z-order."""
    mask = np.zeros((height, width), np.uint8)
    contested = np.zeros((height, width), bool)
    order = sorted(range(len(regions)), key=lambda at: (regions[at][2], -regions[at][0].area(), at))
    spent = 0
    for region, number, _ in (regions[at] for at in order):
        top, left, filled = _filled(region, height, width)
        spent += filled.size
        if spent > _MOST_FILLING * height * width:
            raise Unusable("region_too_complex", "The regions overlap each other too often.", _DRAW_AGAIN)
        place = (slice(top, top + filled.shape[0]), slice(left, left + filled.shape[1]))
        contested[place] |= filled & (mask[place] != 0) & (mask[place] != number)
        mask[place][filled] = number
    return Painted(mask, int(contested.sum()))


def polygon(stated: object) -> Corners:
    """Corners (N, 2) out of a list x, y, x, y ... or of pairs. Raises Unusable."""
    if isinstance(stated, list) and stated and all(isinstance(pair, list | tuple) for pair in stated):
        stated = [value for pair in stated for value in pair[:2]]
    if not isinstance(stated, list) or len(stated) < 6 or len(stated) % 2:
        raise malformed("A polygon needs three or more pairs of x and y.")
    if not all(type(value) in {int, float} for value in stated):
        raise malformed("A polygon holds values that are not numbers.")
    try:
        corners = np.array(stated, np.float64).reshape(-1, 2)
    except OverflowError as error:
        raise malformed("A polygon holds an infinite number.") from error
    if not np.isfinite(corners).all():
        raise malformed("A polygon holds a number that is not finite.")
    return corners


def rectangle(x1: float, y1: float, x2: float, y2: float) -> Polygons:
    return Polygons([np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float64)])


def ellipse(x: float, y: float, radius_x: float, radius_y: float, degrees: float = 0) -> Polygons:
    """An ellipse as a polygon of 64 corners, turned clockwise about its middle."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    return turned(np.stack([x + radius_x * np.cos(angle), y + radius_y * np.sin(angle)], axis=1), x, y, degrees)


def turned(corners: Corners, x: float, y: float, degrees: float) -> Polygons:
    """A polygon turned clockwise, as images are drawn, about a point."""
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return Polygons([(corners - (x, y)) @ matrix + (x, y)])


def fill_polygons(polygons: list[Corners], height: int, width: int) -> Filled:
    """The union of polygons. Raises Unusable where one is not of this image."""
    for corners in polygons:
        _check_place(corners, height, width)
    return _rasterised(polygons, height, width)


def malformed(message: str) -> Unusable:
    return Unusable("region_malformed", message, _DRAW_AGAIN)


def _filled(region: Region, height: int, width: int) -> tuple[int, int, Filled]:
    """Top, left and the pixels of the part of the image that a region takes. Raises Unusable."""
    if isinstance(region, Runs):
        return 0, 0, region.fill(height, width)
    if isinstance(region, Bitmap):
        return _clipped(region, height, width)
    for corners in (*region.corners, *region.holes):
        _check_place(corners, height, width)
    every = np.concatenate(region.corners)
    low = np.clip(np.floor(every.min(axis=0)) - 1, 0, [width - 1, height - 1]).astype(int)
    if (every < 0).any():
        low[:] = 0  # pycocotools rounds towards zero: what lies beyond the edge must not be moved
    high = np.clip(np.ceil(every.max(axis=0)) + 2, low + 1, [width, height]).astype(int)
    size = (int(high[1] - low[1]), int(high[0] - low[0]))
    filled = _rasterised([corners - low for corners in region.corners], *size)
    if region.holes:
        filled &= ~_rasterised([corners - low for corners in region.holes], *size)
    return int(low[1]), int(low[0]), filled


def _rasterised(polygons: list[Corners], height: int, width: int) -> Filled:
    flat = [corners.reshape(-1).tolist() for corners in polygons]
    filled: Filled = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(flat, height, width))).astype(bool)
    return filled


def _clipped(bitmap: Bitmap, height: int, width: int) -> tuple[int, int, Filled]:
    rows, columns = bitmap.filled.shape
    slack_y, slack_x = (max(side * OVERHANG_SHARE, OVERHANG_PX) for side in (height, width))
    beyond = bitmap.top + rows > height + slack_y or bitmap.left + columns > width + slack_x
    if beyond or bitmap.top < -slack_y or bitmap.left < -slack_x:
        raise Unusable("region_outside", "A bitmap reaches beyond the image.", "Draw it in pixels of this image.")
    top, left = max(bitmap.top, 0), max(bitmap.left, 0)
    inner = bitmap.filled[top - bitmap.top : height - bitmap.top, left - bitmap.left : width - bitmap.left]
    return top, left, inner


def _check_place(corners: Corners, height: int, width: int) -> None:
    sides = np.array([width, height], np.float64)
    slack = np.maximum(sides * OVERHANG_SHARE, OVERHANG_PX)
    if ((corners < -slack) | (corners > sides + slack)).any():
        raise Unusable("region_outside", "A polygon reaches beyond the image.", "Draw it in pixels of this image.")
    outline = np.abs(np.diff(corners, axis=0)).max(axis=1).sum()
    if outline > _LONGEST_OUTLINE * (height + width):
        raise Unusable("region_too_complex", "A polygon's outline is too long.", _DRAW_AGAIN)


def _area(corners: Corners) -> float:
    x, y = corners[:, 0], corners[:, 1]
    return float(abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2)
