"""Mask files: PNGs whose pixels are class numbers, gray or with a palette, or colours that a labelmap tells apart."""

import os
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract.image_files import sniff
from contract.pack.manifest import IGNORE
from ingest.annotations.boxes import check_size
from ingest.images import metadata
from ingest.images.images import pixel_digest
from ingest.limits import Limits
from ingest.marks import Marks
from ingest.notes import Unusable

Values = NDArray[np.uint8]  # (height, width)
_SAVE = "Save the mask as an 8-bit PNG whose pixels are class numbers, 255 for those to ignore."
_INDEXED = {"P", "L", "1"}


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
            raise Unusable("mask_unreadable", "the mask cannot be read from the archive", _SAVE)
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
    num_classes: int | None  # None: as many as the values say
    colours: dict[tuple[int, int, int], int] | None = None  # of a labelmap
    weight: int = 0

    def fit(self, height: int, width: int, limits: Limits) -> Marks:  # noqa: ARG002 - an Annotation
        try:
            values = self._values(height, width)
            self._check(values)
        except Unusable as unusable:
            raise Unusable(
                unusable.fault.code, f"its mask {self.path!r}: {unusable.fault.message}", unusable.fault.fix
            ) from unusable
        return of_values(values)

    def _values(self, height: int, width: int) -> Values:
        file = self.store.read(self.position)
        form = sniff(file)
        if form in {"JPEG", "WEBP", None}:
            message = "the content is no PNG" if form is None else f"{form} blurs class numbers"
            raise Unusable("mask_unreadable", message, _SAVE)
        try:
            with Image.open(BytesIO(metadata.strip(file, form).file), formats=[form]) as image:
                check_size((image.height, image.width), height, width)
                return self._indices(image, file if form == "PNG" else None)
        except Unusable:
            raise
        except Exception as error:  # Pillow raises nearly anything on a malformed file
            raise Unusable("mask_unreadable", "the file is damaged", "Copy the mask again.") from error

    def _indices(self, image: Image.Image, png: bytes | None) -> Values:
        if image.mode in _INDEXED:
            # Pillow spreads gray of 2 or 4 bits over 0..255; class numbers are meant as they are.
            depth = png[24] if png is not None and image.mode == "L" else 8
            return np.asarray(image).astype(np.uint8) // (255 // (2**depth - 1) if depth < 8 else 1)
        if image.mode.startswith("I"):
            wide = np.asarray(image)
            if wide.min() < 0 or wide.max() > IGNORE:
                message = f"it holds the value {int(wide.max())}, beyond {IGNORE}"
                raise Unusable("class_out_of_range", message, _SAVE)
            return wide.astype(np.uint8)
        if image.mode in {"RGB", "RGBA"} and self.colours:
            return _by_colour(np.asarray(image.convert("RGB")), self.colours)
        raise Unusable("mask_in_colours", f"its pixels are colours ({image.mode}), not class numbers", _SAVE)

    def _check(self, values: Values) -> None:
        found = np.unique(values)
        known = found[found != IGNORE]
        if not len(known):
            raise Unusable("mask_empty", "every pixel is to be ignored (255)", "Give classes from 0 on.")
        if self.num_classes is not None and known[-1] >= self.num_classes:
            message = f"it holds the value {known[-1]}, but the classes are 0..{self.num_classes - 1}"
            raise Unusable("class_out_of_range", message, "Correct the mask, or name every class in classes.txt.")


def of_values(values: Values) -> Marks:
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
    )


def _by_colour(pixels: NDArray[np.uint8], colours: dict[tuple[int, int, int], int]) -> Values:
    packed = pixels.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    found, place = np.unique(packed, return_inverse=True)
    numbers = {(red << 16) + (green << 8) + blue: number for (red, green, blue), number in colours.items()}
    numbers.setdefault(0xE0E0C0, IGNORE)  # Pascal VOC's outline
    unknown = [colour for colour in found.tolist() if colour not in numbers]
    if unknown:
        message = f"its colour #{unknown[0]:06x} is not in the labelmap"
        raise Unusable("class_out_of_range", message, "Add the colour to labelmap.txt, or correct the mask.")
    values = np.array([numbers[colour] for colour in found.tolist()], np.uint8)
    return values[place].reshape(pixels.shape[:2])
