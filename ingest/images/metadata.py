"""Image files without what is not pixels: EXIF (with its places), XMP, comments, profiles, thumbnails, later frames.

Works on the file's segments or chunks, never on its pixels, so nothing is lost and nothing is decoded. Whatever stands
after the end of the image (a second picture, a hidden archive) goes too.
"""

import re
from dataclasses import dataclass

from PIL import Image

from contract.image_files import PNG_SIGNATURE, Format

_ORIENTATION = 0x0112
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=\"|>)([1-8])")
_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"}
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"  # says YCbCr; without a thumbnail
_JPEG_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")  # stuffed bytes and restarts belong to the picture
_JPEG_BARE = {0x01, 0xD8}
_JPEG_START_OF_SCAN = 0xDA
_JPEG_END = 0xD9


class Malformed(ValueError):
    """The file does not follow its format, or ends early."""


@dataclass(frozen=True, slots=True)
class Bare:
    """An image file of pixels only."""

    file: bytes
    orientation: int = 1  # as EXIF counts: 1 is upright
    animated: bool = False
    clean: bool = True  # False: metadata may be left, the file must not be stored


def strip(file: bytes, form: Format) -> Bare:
    """The file without metadata; other formats as they are, for they are re-encoded anyway. Raises Malformed."""
    if form == "JPEG":
        return _strip_jpeg(file)
    if form == "PNG":
        return _strip_png(file)
    return _strip_webp(file) if form == "WEBP" else Bare(file, clean=False)


def _strip_jpeg(file: bytes) -> Bare:
    kept = [b"\xff\xd8"]
    orientation = 1
    at = 2
    while at < len(file):
        found = _JPEG_MARKER.match(file, at)
        if found is None:
            raise Malformed("A JPEG segment is missing where one should start.")
        marker, start = file[found.end() - 1], found.end()
        if marker == _JPEG_END:
            kept.append(b"\xff\xd9")
            break
        end = start if marker in _JPEG_BARE else start + int.from_bytes(file[start : start + 2], "big")
        segment = file[start + 2 : end]
        if marker == 0xE1 and orientation == 1:
            orientation = _orientation(segment)
        if marker == _JPEG_START_OF_SCAN:
            following = _JPEG_MARKER.search(file, end)
            end = following.start() if following else len(file)
        if marker == 0xE0 and segment.startswith(b"JFIF\x00"):
            kept.append(_JFIF)
        elif marker == 0xEE or not (0xE0 <= marker <= 0xEF or marker == 0xFE):  # APP14 says how colours are coded
            kept.append(b"\xff" + file[start - 1 : end])
        at = end
    return Bare(b"".join(kept), orientation)


def _strip_png(file: bytes) -> Bare:
    kept = [PNG_SIGNATURE]
    orientation, animated = 1, False
    at = len(PNG_SIGNATURE)
    while True:
        end = at + 12 + int.from_bytes(file[at : at + 4], "big")
        name = file[at + 4 : at + 8]
        if end > len(file):
            raise Malformed("The PNG ends early.")
        if name in _PNG_KEPT:
            kept.append(file[at:end])
        elif name in {b"eXIf", b"iTXt"} and orientation == 1:
            orientation = _orientation(file[at + 8 : end - 4])
        elif name == b"acTL":
            animated = int.from_bytes(file[at + 8 : at + 12], "big") > 1
        at = end
        if name == b"IEND":
            return Bare(b"".join(kept), orientation, animated)


def _strip_webp(file: bytes) -> Bare:
    picture, orientation, at = b"", 1, 12
    animated = masked = False
    size = min(len(file), 8 + int.from_bytes(file[4:8], "little"))
    while at + 8 <= size:
        name, length = file[at : at + 4], int.from_bytes(file[at + 4 : at + 8], "little")
        content = file[at + 8 : at + 8 + length]
        if len(content) < length:
            raise Malformed("The WebP ends early.")
        if name in {b"EXIF", b"XMP "}:
            orientation = _orientation(content) if orientation == 1 else orientation
        elif name in {b"VP8 ", b"VP8L"} and not picture:
            picture = file[at : at + 8] + content + b"\x00" * (length % 2)
        animated |= name == b"ANIM"
        masked |= name == b"ALPH"
        at += 8 + length + length % 2
    if animated or masked:  # Pillow needs the chunks around the picture; it is re-encoded
        return Bare(file, orientation, animated=animated, clean=False)
    return Bare(b"RIFF" + (4 + len(picture)).to_bytes(4, "little") + b"WEBP" + picture, orientation)


def _orientation(block: bytes) -> int:
    """From 1 to 8, out of an EXIF or XMP block; 1 where it says nothing sensible, as Pillow takes it too."""
    stated = _XMP_ORIENTATION.search(block)
    if stated:
        return int(stated[1])
    exif = Image.Exif()
    try:
        exif.load(block)
        value = exif.get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - Pillow raises nearly anything on a broken block; the picture is whole without it
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
