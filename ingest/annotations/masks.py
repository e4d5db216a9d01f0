"""Mask files put aside, and each of them held against its image with the key of its set."""

import os
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from contract.pack.manifest import IGNORE
from ingest.annotations.boxes import check_size
from ingest.annotations.mask_images import SAVE, Values, open_mask
from ingest.annotations.mask_key import MaskKey
from ingest.images.images import pixel_digest
from ingest.limits import Limits
from ingest.marks import Marks
from ingest.notes import Note, Unusable

_EQUAL_ASPECT = 0.01  # relative; rounding of a scaled side stays below


class MaskStore:
    """Mask files aside on the disk: in a tar they may come long before or after their images."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        self._places: dict[int, tuple[int, int]] = {}
        self._end = 0

    def add(self, position: int, content: bytes) -> None:
        self._file.write(content)
        self._places[position] = (self._end, len(content))
        self._end += len(content)

    def read(self, position: int) -> bytes:
        """Raises Unusable where the archive did not give the file."""
        if position not in self._places:
            raise Unusable("mask_unreadable", "The mask cannot be read from the archive.", SAVE)
        offset, length = self._places[position]
        self._file.flush()
        return os.pread(self._file.fileno(), length, offset)

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True)
class MaskFile:
    path: str
    position: int
    store: MaskStore
    key: MaskKey
    known: str = "0..255"  # the values that the set knows, as people read them
    weight: int = 0
    sized: bool = True  # by its own pixels
    further: tuple[int, ...] = ()  # masks that show more of the same image

    def fit(self, height: int, width: int, limits: Limits) -> Marks:
        try:
            values, notes = self._values(self.position, height, width, limits)
            for position in self.further:
                values = self._joined(values, self._values(position, height, width, limits)[0])
        except Unusable as unusable:
            raise Unusable(
                unusable.fault.code, f"Its mask {self.path!r}: {unusable.fault.message}", unusable.fault.fix
            ) from unusable
        return of_values(values, notes)

    def _joined(self, one: Values, other: Values) -> Values:
        """What either shows; where they show different classes, pixels to ignore."""
        background = self.key.background
        contested = (one != other) & (one != background) & (other != background)
        joined: Values = np.where(one == background, other, one)
        joined[contested] = IGNORE
        return joined

    def _values(self, position: int, height: int, width: int, limits: Limits) -> tuple[Values, tuple[Note, ...]]:
        with open_mask(self.store.read(position), limits) as raw:
            size = (raw.image.height, raw.image.width)
            scaled = size != (height, width) and _same_aspect(size, (height, width))
            if not scaled:
                check_size(size, height, width)
            values = self.key.numbers(raw, self.known)
        if (values == IGNORE).all():
            raise Unusable("mask_empty", "Every pixel is to be ignored (255).", "Give classes from 0 on.")
        if not scaled:
            return values, ()
        message = f"The mask has {size[1]} x {size[0]} px, the image {width} x {height}: it was scaled to the image."
        fix = "If edges matter, save each mask in the size of its image."
        resized = Image.fromarray(values).resize((width, height), Image.Resampling.NEAREST)
        return np.asarray(resized), (Note("warning", "mask_scaled", message, fix),)


@dataclass(frozen=True)
class NothingDrawn:
    """The mask of an image that shows nothing but the class 0."""

    weight: int = 0
    sized: bool = True  # whatever that of the image is

    def fit(self, height: int, width: int, limits: Limits) -> Marks:  # noqa: ARG002 - an Annotation
        return of_values(np.zeros((height, width), np.uint8))


def of_values(values: Values, notes: tuple[Note, ...] = ()) -> Marks:
    """A mask as the pack stores it."""
    height, width = values.shape
    file = BytesIO()
    Image.fromarray(values).save(file, "PNG")
    amounts = np.bincount(values.reshape(-1), minlength=IGNORE + 1)[:IGNORE]
    classes = np.flatnonzero(amounts)
    return Marks(
        file.getvalue(),
        pixel_digest(values.tobytes(), height, width, 1),
        tuple(classes.tolist()),
        tuple(amounts[classes].tolist()),
        notes,
    )


def _same_aspect(mask: tuple[int, int], image: tuple[int, int]) -> bool:
    """Whether the mask is the image's at another scale: rounding may move a side by a pixel."""
    (mask_height, mask_width), (height, width) = mask, image
    across, down = mask_width / width, mask_height / height
    return abs(across / down - 1) <= max(_EQUAL_ASPECT, 1 / min(mask_height, mask_width, height, width))
