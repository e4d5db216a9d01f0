"""One image file of a stranger as the pixels that a network takes; to be called in a process that is confined."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.decoding.formats import MAX_PIXELS, NOT_AN_IMAGE, sniff
from core.inference import preprocess

_TOO_MANY_PIXELS = f"the image has more than {MAX_PIXELS:,} pixels; scale it down"


class Refused(Exception):
    """The image cannot be used; `code` for programs, the message for its owner."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def decode(file: bytes, *, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """(H, W, C), as `infer.py` of a bundle sees the image. Raises Refused."""
    form = sniff(file)
    if form is None:
        raise Refused("not_an_image", NOT_AN_IMAGE)
    try:
        with Image.open(BytesIO(file), formats=[form]) as image:
            _require_few_pixels(image)
            image.load()
            return _pixels(image, height=height, width=width, channels=channels)
    except Refused:
        raise
    except Image.DecompressionBombError as error:
        raise Refused("too_many_pixels", _TOO_MANY_PIXELS) from error
    except MemoryError as error:
        raise Refused("image_memory", "decoding takes more memory than is allowed; scale the image down") from error
    except Exception as error:  # Pillow raises nearly anything on a malformed file
        raise Refused("image_corrupt", "the file is damaged and cannot be decoded; save it anew") from error


def _require_few_pixels(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise Refused("too_many_pixels", _TOO_MANY_PIXELS)


def _pixels(image: Image.Image, *, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    try:
        return preprocess.to_pixels(image, height=height, width=width, channels=channels)
    except ValueError as error:
        raise Refused("unsupported_pixels", str(error)) from error
