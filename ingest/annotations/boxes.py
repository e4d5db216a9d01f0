"""Boxes of one image, in pixels from its upper left corner: finite, of some size, within the image, each once."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ingest import marks
from ingest.limits import Limits
from ingest.marks import Marks
from ingest.notes import Note, Unusable

OVERHANG_SHARE = 0.02  # of a side; rounding and hasty drawing stay below, another image's boxes do not
OVERHANG_PX = 2.0
MIN_SIDE_PX = 1e-3  # below, a box is a line or a point
_SAME_PX = 1e-3

Kind = Literal["corners", "sides", "middle"]  # x1, y1, x2, y2; or x, y of a corner or the middle, width, height
Boxes = NDArray[np.float32]
Corners = NDArray[np.float64]


@dataclass(frozen=True)
class Faulty:
    """An annotation that could not be read; the image it belongs to cannot be used."""

    fault: Unusable
    weight: int = 0
    sized: bool = False

    def fit(self, height: int, width: int, limits: Limits) -> Marks:  # noqa: ARG002 - an Annotation
        raise self.fault


@dataclass(frozen=True)
class StatedBoxes:
    """Corners x1, y1, x2, y2 as a dataset states them, in pixels or, `relative`, in shares of the image's sides."""

    corners: Corners  # (N, 4)
    labels: NDArray[np.int32]
    stated_size: tuple[int, int] | None = None  # height, width of the image the boxes were drawn on
    relative: bool = False
    kind: Kind = "corners"  # of what the file states

    @property
    def weight(self) -> int:
        return self.corners.nbytes + self.labels.nbytes

    @property
    def sized(self) -> bool:
        return self.stated_size is not None

    def fit(self, height: int, width: int, limits: Limits) -> Marks:
        check_size(self.stated_size, height, width)
        if len(self.labels) > limits.boxes:
            raise Unusable("too_many_boxes", f"More than {limits.boxes:,} boxes.", "Split the image into tiles.")
        sides = np.array([width, height, width, height], np.float64)
        corners = self.corners * sides if self.relative else self.corners
        boxes, clipped = _inside(corners, sides, self.kind)
        if not self.relative:
            _check_pixels(corners)
        boxes, labels, repeated = _each_once(boxes, self.labels)
        return marks.of_boxes(boxes, labels, _notes(boxes, clipped=clipped, repeated=repeated))


def check_size(stated: tuple[int, int] | None, height: int, width: int) -> None:
    """Raises Unusable where an annotation was made on an image of another size."""
    if stated is None or stated == (height, width):
        return
    message = f"The annotation states {stated[1]} x {stated[0]} px, but the image has {width} x {height} px."
    if stated == (width, height):
        raise Unusable("size_mismatch", message, "Correct width and height in the annotation, or turn the image back.")
    raise Unusable("size_mismatch", message, "Annotate this image, or scale the annotation to its size.")


def within_unit(corners: Corners) -> bool:
    """Whether every box lies within 0..1, where boxes in pixels would all be in one corner of the image."""
    finite = corners[np.isfinite(corners).all(axis=1)]
    return len(finite) > 0 and bool((np.abs(finite) <= 1).all())


def _check_pixels(corners: Corners) -> None:
    if within_unit(corners):
        message = _shown("its boxes lie within 0..1, but this format counts pixels, as", corners)
        raise Unusable("box_in_shares", message, "Give x and y in pixels, or export the annotations again.")


def _inside(corners: Corners, sides: NDArray[np.float64], kind: Kind) -> tuple[Boxes, int]:
    """The boxes clipped to the image, and how many were. Raises Unusable for one that is none of this image's."""
    finite = np.isfinite(corners).all(axis=1)
    if not finite.all():
        message = _shown("a box is not made of finite numbers:", corners[~finite])
        raise Unusable("box_not_finite", message, "Correct the box.")
    slack = np.maximum(sides * OVERHANG_SHARE, OVERHANG_PX)
    outside = ((corners < -slack) | (corners > sides + slack)).any(axis=1)
    if outside.any():
        message = _shown(
            f"{outside.sum()} {'box lies' if outside.sum() == 1 else 'boxes lie'} outside the image, as",
            corners[outside],
        )
        if _are_corners(corners, sides + slack, kind):
            message += ". Its numbers seem to be x1, y1, x2, y2: read so, all of its boxes lie within it"
            fix = "Write the boxes as the format has them: x, y, width and height."
            raise Unusable("box_outside", message, fix)
        raise Unusable("box_outside", message, "Correct them: x and y in pixels of this image (YOLO: in shares, 0..1).")
    clipped: Corners = np.clip(corners, 0, sides)
    boxes = clipped.astype(np.float32)
    empty = (boxes[:, 2] - boxes[:, 0] < MIN_SIDE_PX) | (boxes[:, 3] - boxes[:, 1] < MIN_SIDE_PX)
    if empty.any():
        message = _shown(f"{empty.sum()} {'box has' if empty.sum() == 1 else 'boxes have'} no area, as", corners[empty])
        raise Unusable("box_empty", message, "Remove them, or draw them again with a width and a height.")
    moved = np.abs(clipped - corners).max(axis=1, initial=0) > MIN_SIDE_PX
    return boxes, int(moved.sum())


def _are_corners(corners: Corners, most: NDArray[np.float64], kind: Kind) -> bool:
    """Whether numbers that were read as x, y, width, height make sense as two corners."""
    if kind == "corners":
        return False
    lengths = corners[:, 2:] - corners[:, :2]
    starts = corners[:, :2] if kind == "sides" else corners[:, :2] + lengths / 2
    return bool((lengths > starts).all() and (lengths <= most[:2]).all() and (starts >= 0).all())


def _each_once(boxes: Boxes, labels: NDArray[np.int32]) -> tuple[Boxes, NDArray[np.int32], int]:
    """The boxes in their order, without those that repeat an earlier one of the same class; how many did."""
    if len(labels) < 2:
        return boxes, labels, 0
    rounded = np.column_stack([np.round(boxes.astype(np.float64) / _SAME_PX), labels])
    first = np.sort(np.unique(rounded, axis=0, return_index=True)[1])
    return boxes[first], labels[first], len(labels) - len(first)


def _notes(boxes: Boxes, *, clipped: int, repeated: int) -> tuple[Note, ...]:
    notes = []
    if clipped:
        message = f"{clipped} boxes reached a little beyond the image and were clipped to it."
        notes.append(Note("info", "box_clipped", message))
    if repeated:
        message = f"{repeated} boxes are listed twice with the same class; each counts once."
        notes.append(Note("warning", "box_repeated", message, "Remove the repeated lines."))
    tiny = int((np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) < 1).sum()) if len(boxes) else 0
    if tiny:
        message = f"{tiny} boxes are less than one pixel wide or high; no network can learn them."
        notes.append(Note("warning", "box_under_pixel", message, "Remove them, or draw them again."))
    rivals = _same_place(boxes) if len(boxes) > 1 else 0
    if rivals:
        message = f"{rivals} boxes have exactly the coordinates of a box of another class; both count."
        notes.append(Note("warning", "box_of_two_classes", message, "Keep one class for each object."))
    return tuple(notes)


def _same_place(boxes: Boxes) -> int:
    """Boxes that repeat the corners of an earlier one."""
    rounded = np.round(boxes.astype(np.float64) / _SAME_PX)
    return len(rounded) - len(np.unique(rounded, axis=0))


def _shown(what: str, corners: Corners) -> str:
    return f"{what} ({', '.join(f'{value:.6g}' for value in corners[0])})"
