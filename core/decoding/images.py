"""One image file of a stranger as the pixels that a network takes; to be called in a process that is confined."""

from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import ExifTags, Image

from contract.image_files import MAX_PIXELS, NOT_AN_IMAGE, sniff
from portable import preprocess

_TOO_MANY_PIXELS = f"The image has more than {MAX_PIXELS:,} pixels. Scale it down."


_ON_THEIR_SIDE = (5, 6, 7, 8)  # of EXIF's orientations


class Decoded(NamedTuple):
    pixels: NDArray[np.uint8]  # (H, W, C), of the network's size
    size: tuple[int, int]  # height and width of the image itself, upright


class Refused(Exception):
    """The image cannot be used; `code` for programs, the message for its owner."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def load_decoders() -> None:
    """All of them, so that what is forked from this process has them; nothing is decoded."""
    Image.init()
    _open_heif()


def _open_heif() -> None:
    pillow_heif.register_heif_opener(thumbnails=False)


def decode(
    file: bytes,
    *,
    height: int,
    width: int,
    channels: int,
    fit: str = preprocess.STRETCH,
    depth_range: tuple[int, int] | None = None,
) -> Decoded:
    """As `infer.py` of a bundle sees the image. Raises Refused."""
    form = sniff(file)
    if form is None:
        raise Refused("not_an_image", f"{NOT_AN_IMAGE} Save it as PNG or JPEG.")
    try:
        if form == "HEIF":
            _open_heif()
        with Image.open(BytesIO(file), formats=[form]) as image:
            _require_few_pixels(image)
            image.load()
            pixels = _pixels(image, height=height, width=width, channels=channels, fit=fit, depth_range=depth_range)
            return Decoded(pixels, _size(image))
    except Refused:
        raise
    except Image.DecompressionBombError as error:
        raise Refused("too_many_pixels", _TOO_MANY_PIXELS) from error
    except MemoryError as error:
        raise Refused("image_memory", "Decoding takes more memory than is allowed. Scale the image down.") from error
    except Exception as error:  # Pillow raises nearly anything on a malformed file
        raise Refused("image_corrupt", "The file is damaged and cannot be decoded. Save it again.") from error


def _require_few_pixels(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise Refused("too_many_pixels", _TOO_MANY_PIXELS)


def _size(image: Image.Image) -> tuple[int, int]:
    turned = image.getexif().get(ExifTags.Base.Orientation) in _ON_THEIR_SIDE
    return (image.width, image.height) if turned else (image.height, image.width)


def _pixels(image: Image.Image, **how: Any) -> NDArray[np.uint8]:
    """`preprocess.to_pixels`. Raises Refused."""
    try:
        return preprocess.to_pixels(image, **how)
    except ValueError as error:
        raise Refused("unsupported_pixels", str(error)) from error
