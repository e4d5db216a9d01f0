"""Image files opened by Pillow. HEIC comes by libheif, which is registered once it is needed."""

from functools import cache
from io import BytesIO

import pillow_heif
from PIL import Image

from contract.image_files import Format

_THREADS = 1  # ingest decodes several images at a time already


def open_image(file: bytes, form: Format) -> Image.Image:
    """Not yet decoded. Raises what Pillow raises."""
    if form == "HEIF":
        _register()
    return Image.open(BytesIO(file), formats=[form])


@cache
def _register() -> None:
    pillow_heif.options.DECODE_THREADS = _THREADS
    pillow_heif.options.THUMBNAILS = False
    pillow_heif.register_heif_opener()
