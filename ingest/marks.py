"""What an image carries besides its pixels, checked against them: a mask or boxes, as the pack stores them."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingest.limits import Limits
from ingest.notes import Note

BOX_BYTES = 4 * 4 + 4  # four float32 and one int32


@dataclass(frozen=True, slots=True)
class Marks:
    """`classes` are those to be seen, in ascending order, `amounts` the pixels or boxes of each."""

    stored: bytes  # a PNG of values, or all boxes (float32 x 4) and then all their labels (int32)
    sha256: bytes  # of what is stored, whatever a PNG's compression
    classes: tuple[int, ...]
    amounts: tuple[int, ...]
    notes: tuple[Note, ...] = ()


class Annotation(Protocol):
    """What a dataset says of one image, not yet held against it."""

    def fit(self, height: int, width: int, limits: Limits) -> Marks:
        """The marks of an image of this size. Raises Unusable where the two do not belong together."""

    @property
    def weight(self) -> int:
        """Bytes that it holds in memory."""

    @property
    def sized(self) -> bool:
        """Whether it states the size of the image that it was drawn on."""


def of_boxes(boxes_N4: NDArray[np.float32], labels_N: NDArray[np.int32], notes: tuple[Note, ...]) -> Marks:  # noqa: N803 - shape suffixes
    stored = boxes_N4.astype("<f4").tobytes() + labels_N.astype("<i4").tobytes()
    classes, amounts = np.unique(labels_N, return_counts=True)
    return Marks(stored, hashlib.sha256(stored).digest(), tuple(classes.tolist()), tuple(amounts.tolist()), notes)


def to_boxes(stored: bytes) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Boxes (N, 4) and labels (N,) out of what `of_boxes` stored."""
    count = len(stored) // BOX_BYTES
    boxes = np.frombuffer(stored, "<f4", count * 4).reshape(count, 4)
    return boxes, np.frombuffer(stored, "<i4", count, offset=count * 16)
