"""Boxes of one image, in pixels from its upper left corner: finite, of some size, within the image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest import marks
from ingest.limits import Limits
from ingest.marks import Marks
from ingest.notes import Note, Unusable

OVERHANG_SHARE = 0.02  # of a side; rounding and hasty drawing stay below, another image's boxes do not
OVERHANG_PX = 2.0
MIN_SIDE_PX = 1e-3  # below, a box is a line or a point

Boxes = NDArray[np.float32]


@dataclass(frozen=True)
class Faulty:
    """An annotation that could not be read; the image it belongs to cannot be used."""

    fault: Unusable
    weight: int = 0

    def fit(self, height: int, width: int, limits: Limits) -> Marks:  # noqa: ARG002 - an Annotation
        raise self.fault


@dataclass(frozen=True)
class StatedBoxes:
    """Corners x1, y1, x2, y2 as a dataset states them, in pixels or, `relative`, in shares of the image's sides."""

    corners: NDArray[np.float64]  # (N, 4)
    labels: NDArray[np.int32]
    stated_size: tuple[int, int] | None = None  # height, width of the image the boxes were drawn on
    relative: bool = False

    @property
    def weight(self) -> int:
        return self.corners.nbytes + self.labels.nbytes

    def fit(self, height: int, width: int, limits: Limits) -> Marks:
        check_size(self.stated_size, height, width)
        if len(self.labels) > limits.boxes:
            raise Unusable("too_many_boxes", f"more than {limits.boxes:,} boxes", "Split the image into tiles.")
        sides = np.array([width, height, width, height], np.float64)
        corners = self.corners * sides if self.relative else self.corners
        boxes, clipped = _inside(corners, sides)
        notes: tuple[Note, ...] = ()
        if clipped:
            message = f"{clipped} boxes reached a little beyond the image and were clipped to it"
            notes = (Note("info", "box_clipped", message),)
        return marks.of_boxes(boxes, self.labels, notes)


def check_size(stated: tuple[int, int] | None, height: int, width: int) -> None:
    """Raises Unusable where an annotation was made on an image of another size."""
    if stated is None or stated == (height, width):
        return
    message = f"the annotation is of an image of {stated[1]} x {stated[0]} px, this one has {width} x {height}"
    if stated == (width, height):
        raise Unusable("size_mismatch", message, "Save the image upright, without an EXIF orientation.")
    raise Unusable("size_mismatch", message, "Annotate this very image, or scale the annotation with it.")


def _inside(corners: NDArray[np.float64], sides: NDArray[np.float64]) -> tuple[Boxes, int]:
    """The boxes clipped to the image, and how many were. Raises Unusable for one that is none of this image's."""
    finite = np.isfinite(corners).all(axis=1)
    if not finite.all():
        message = _shown("a box is not made of finite numbers:", corners[~finite])
        raise Unusable("box_not_finite", message, "Correct the box.")
    slack = np.maximum(sides * OVERHANG_SHARE, OVERHANG_PX)
    outside = ((corners < -slack) | (corners > sides + slack)).any(axis=1)
    if outside.any():
        message = _shown(f"{outside.sum()} boxes lie outside the image, as", corners[outside])
        raise Unusable("box_outside", message, "Correct them: x and y in pixels of this image (YOLO: in shares, 0..1).")
    clipped: NDArray[np.float64] = np.clip(corners, 0, sides)
    boxes = clipped.astype(np.float32)
    empty = (boxes[:, 2] - boxes[:, 0] < MIN_SIDE_PX) | (boxes[:, 3] - boxes[:, 1] < MIN_SIDE_PX)
    if empty.any():
        message = _shown(f"{empty.sum()} boxes have no area, as", corners[empty])
        raise Unusable("box_empty", message, "Remove them, or draw them again with a width and a height.")
    moved = np.abs(clipped - corners).max(axis=1, initial=0) > MIN_SIDE_PX
    return boxes, int(moved.sum())


def _shown(what: str, corners: NDArray[np.float64]) -> str:
    return f"{what} ({', '.join(f'{value:.6g}' for value in corners[0])})"
