"""A mask file opened: what kind of picture it is, and its raw values before anybody says what they mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract.image_files import sniff
from contract.pack.manifest import IGNORE
from ingest.images import metadata
from ingest.limits import Limits
from ingest.notes import Unusable

Colour = tuple[int, int, int]
Values = NDArray[np.uint8]  # (height, width)
MaskKind = Literal["gray", "palette", "colour"]
SAVE = "Save the mask as an 8-bit PNG whose pixels are class numbers, 255 for those to ignore."
LOSSY = {"JPEG", "WEBP"}
_DEEP_WHITE = 65_535
_GRAY = {"L", "1", "LA"}


class Raw(NamedTuple):
    """The picture of a mask. `depth`: bits of a gray value as the file stores it, 8 unless it is fewer."""

    kind: MaskKind
    image: Image.Image  # of the mode L, P or RGB
    depth: int = 8
    lossy: bool = False

    def values(self) -> Values:
        """Gray values or indices; gray of fewer bits as it is stored, not spread over 0..255."""
        found: Values = np.asarray(self.image).astype(np.uint8)
        return found // np.uint8(255 // (2**self.depth - 1)) if self.depth < 8 else found

    def palette(self) -> list[Colour]:
        flat = list(self.image.getpalette("RGB") or [])
        return [(flat[at], flat[at + 1], flat[at + 2]) for at in range(0, len(flat) - 2, 3)]


@contextmanager
def open_mask(file: bytes, limits: Limits) -> Iterator[Raw]:
    """Raises Unusable."""
    form = sniff(file)
    if form is None:
        raise Unusable("mask_unreadable", "The content is no PNG.", SAVE)
    try:
        with Image.open(BytesIO(metadata.strip(file, form).file), formats=[form]) as image:
            _check_pixels(image, limits)
            yield _raw(image, file if form == "PNG" else None, lossy=form in LOSSY)
    except Unusable:
        raise
    except Exception as error:  # Pillow raises nearly anything on a malformed file
        raise Unusable("mask_unreadable", "The file is damaged.", "Copy the mask again.") from error


def _check_pixels(image: Image.Image, limits: Limits) -> None:
    if image.width * image.height > limits.pixels:
        raise Unusable("too_many_pixels", f"It has more than {limits.pixels:,} pixels.", SAVE)


def _raw(image: Image.Image, png: bytes | None, *, lossy: bool) -> Raw:
    if image.mode == "1":
        return Raw("gray", image.convert("L"), 1)
    if image.mode in _GRAY:
        # Pillow spreads gray of 2 or 4 bits over 0..255; class numbers are meant as they are.
        depth = png[24] if png is not None and image.mode == "L" else 8
        return Raw("gray", image.convert("L"), min(depth, 8), lossy)
    if image.mode == "P":
        image.load()
        return Raw("palette", image)
    if image.mode.startswith("I"):
        return Raw("gray", _narrow(image))
    if image.mode not in {"RGB", "RGBA"}:
        raise Unusable("mask_in_colours", f"Its pixels are colours ({image.mode}), not class numbers.", SAVE)
    image = image.convert("RGB")
    red, green, blue = image.split()
    equal = red.tobytes() == green.tobytes() == blue.tobytes()
    return Raw("gray", red, lossy=lossy) if equal else Raw("colour", image, lossy=lossy)


def _narrow(image: Image.Image) -> Image.Image:
    wide = np.asarray(image)
    if set(np.unique(wide).tolist()) <= {0, _DEEP_WHITE}:
        wide = wide // (_DEEP_WHITE // IGNORE)  # black and white of 16 bits
    if wide.min() < 0 or wide.max() > IGNORE:
        message = f"It holds the value {int(wide.max())}, beyond {IGNORE}."
        raise Unusable("class_out_of_range", message, SAVE)
    return Image.fromarray(wide.astype(np.uint8))
