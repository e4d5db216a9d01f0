"""What an image file may be, wherever it comes from."""

from typing import Literal

Format = Literal["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"]

MAX_FILE_BYTES = 128 * 2**20
MAX_PIXELS = 40_000_000
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
NOT_AN_IMAGE = "the content is not JPEG, PNG, BMP, GIF, WebP or TIFF"
_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (PNG_SIGNATURE, "PNG"),
    (b"BM", "BMP"),
    (b"GIF8", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
)


def sniff(file: bytes) -> Format | None:
    """The format by the first bytes; the name says nothing."""
    if file[:4] == b"RIFF" and file[8:12] == b"WEBP":
        return "WEBP"
    return next((name for magic, name in _MAGIC if file.startswith(magic)), None)
