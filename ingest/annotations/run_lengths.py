"""Run lengths as COCO states them: plain numbers, or its compressed text."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.notes import Unusable

Filled = NDArray[np.bool_]
_DRAW_AGAIN = "Draw the region again, or export the annotations again."


@dataclass(frozen=True, slots=True)
class Runs:
    """Lengths of runs of 0 and 1 by turns, column by column; a string is COCO's compressed form."""

    size: tuple[int, int]  # height, width
    counts: NDArray[np.int64] | bytes

    @property
    def weight(self) -> int:
        return len(self.counts) if isinstance(self.counts, bytes) else self.counts.nbytes

    def lengths(self) -> NDArray[np.int64]:
        """Raises Unusable where they do not add up to the stated size."""
        counts = _uncompressed(self.counts) if isinstance(self.counts, bytes) else self.counts
        whole = self.size[0] * self.size[1]
        if (counts < 0).any() or (counts > whole).any() or counts.sum() != whole:
            raise _malformed("Run lengths do not add up to the image.")
        return counts

    def area(self) -> float:
        return float(self.lengths()[1::2].sum())

    def fill(self, height: int, width: int) -> Filled:
        """Raises Unusable where the runs are not those of this image."""
        if self.size != (height, width):
            message = f"Run lengths of {self.size[1]} x {self.size[0]} px do not fit an image of {width} x {height} px."
            raise Unusable("size_mismatch", message, "Annotate this image.")
        counts = self.lengths()
        return np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape((height, width), order="F")

    def bounds(self) -> tuple[float, float, float, float]:
        """The box around the runs of 1, without drawing them: the stated size may be anything."""
        counts = self.lengths()
        ends = np.cumsum(counts)
        first, last = ends[:-1:2], ends[1::2] - 1
        drawn = last >= first[: len(last)]
        first, last = first[: len(last)][drawn], last[drawn]
        if not len(first):
            raise _malformed("Run lengths draw nothing.")
        height = self.size[0]
        tall = first // height != last // height
        top = 0 if tall.any() else int((first % height).min())
        bottom = height - 1 if tall.any() else int((last % height).max())
        return float((first // height).min()), float(top), float((last // height).max() + 1), float(bottom + 1)


def parse_runs(stated: dict[str, object]) -> Runs:
    """Raises Unusable."""
    size, counts = stated.get("size"), stated.get("counts")
    if not isinstance(size, list) or len(size) != 2 or not all(type(side) is int and side > 0 for side in size):
        raise _malformed("Run lengths state no size.")
    if isinstance(counts, str) and counts.isascii():
        return Runs((size[0], size[1]), counts.encode())
    if not isinstance(counts, list) or not all(type(count) is int and 0 <= count < 2**40 for count in counts):
        raise _malformed("Run lengths are not a list of whole numbers.")
    return Runs((size[0], size[1]), np.array(counts, np.int64))


def _uncompressed(text: bytes) -> NDArray[np.int64]:
    """Six bits a character: five of the number, low ones first, and whether more follow (pycocotools, maskApi.c)."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = character - 48
        if not 0 <= bits < 64 or shift > 40:
            raise _malformed("Run lengths hold an invalid character.")
        value |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:
            if bits & 0x10:
                value -= 1 << shift
            counts.append(value + counts[-2] if len(counts) > 2 else value)
            value = shift = 0
    if shift or any(not 0 <= count < 2**40 for count in counts):
        raise _malformed("Run lengths are cut short or negative.")
    return np.array(counts, np.int64)


def _malformed(message: str) -> Unusable:
    return Unusable("region_malformed", message, _DRAW_AGAIN)
