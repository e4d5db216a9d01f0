"""What an image file may be, wherever it comes from."""

import re
from typing import Literal

Format = Literal["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "AVIF", "HEIF"]

MAX_FILE_BYTES = 128 * 2**20
MAX_PIXELS = 40_000_000
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
NOT_AN_IMAGE = "The content is not JPEG, PNG, BMP, GIF, WebP, TIFF, PPM, AVIF or HEIC."
_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (PNG_SIGNATURE, "PNG"),
    (b"BM", "BMP"),
    (b"GIF8", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
)
_PPM = re.compile(rb"P[1-6]\s")
_AVIF = (b"avif", b"avis")
_HEIF = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


def sniff(file: bytes) -> Format | None:
    """The format by the first bytes; the name says nothing."""
    if file[:4] == b"RIFF" and file[8:12] == b"WEBP":
        return "WEBP"
    if file[4:8] == b"ftyp":
        return _of_brands(file)
    if _PPM.match(file):
        return "PPM"
    return next((name for magic, name in _MAGIC if file.startswith(magic)), None)


def _of_brands(file: bytes) -> Format | None:
    """AVIF and HEIC share a container; the brands say which it is."""
    length = min(int.from_bytes(file[:4], "big"), 256)
    brands = [file[8:12], *(file[at : at + 4] for at in range(16, length, 4))]
    if any(brand in _AVIF for brand in brands):
        return "AVIF"
    return "HEIF" if any(brand in _HEIF for brand in brands) else None
