"""Small copies of an image, made while its pixels are at hand: a tile to compare by, and a thumbnail to look at."""

from io import BytesIO

from PIL import Image

TILE = 16  # px a side
TILE_BYTES = TILE * TILE * 3
THUMBNAIL_PX = 192  # of the longer side
RAW_PIXELS = 64 * 64  # up to here the pixels themselves are stored
_QUALITY = 75
_SMALL_PX, _SMALL_BYTES = 256, 16_384


def thumbnail(image: Image.Image) -> tuple[bytes, Image.Image]:
    """A JPEG of a gray or RGB image, and its pixels."""
    scale = min(1.0, THUMBNAIL_PX / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    file = BytesIO()
    small.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue(), small


def tile(image: Image.Image) -> bytes:
    """TILE x TILE x 3 bytes, whatever the image's size and shape."""
    small = image.resize((TILE, TILE), Image.Resampling.BOX)
    return (small if small.mode == "RGB" else small.convert("RGB")).tobytes()


def of_stored(stored: bytes, height: int, width: int, channels: int) -> bytes:
    """A thumbnail of what the pack keeps: pixels (H*W*C uint8), or a file."""
    if len(stored) == height * width * channels and height * width <= RAW_PIXELS:
        return thumbnail(Image.frombytes("L" if channels == 1 else "RGB", (width, height), stored))[0]
    with Image.open(BytesIO(stored)) as image:
        return thumbnail(image)[0]


def is_small(width: int, height: int, file_bytes: int) -> bool:
    """Whether an image file serves as its own thumbnail."""
    return max(width, height) <= _SMALL_PX and file_bytes <= _SMALL_BYTES
