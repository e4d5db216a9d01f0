"""One image file, or one array, made ready for the pack: 8 bit, gray or RGB, upright, without metadata.

What is stored. Up to 64 x 64 px: the pixels. Larger: a JPEG, PNG or WebP that is 8 bit gray or RGB, opaque and upright
already keeps its very bytes but for the metadata, which is cut out (`metadata.strip`), so no EXIF, GPS position,
comment or profile survives. Anything else is decoded and saved again without metadata: JPEG (turned by EXIF, or CMYK),
HEIC and AVIF as JPEG of quality 95 without chroma subsampling, the rest losslessly as PNG. The sha256 is that of the
pixels which the stored bytes decode to.

How colours are converted, as `portable.preprocess` does: by Pillow's `convert`, which drops alpha without
blending; a palette becomes RGB, 1 bit and gray with alpha become gray. Gray of 16 bits is kept as it is until the range
of all such images is known (`packing.depth`); of 48 bits the high bytes are kept.
"""

import hashlib
import struct
from contextlib import nullcontext
from dataclasses import dataclass, replace
from io import BytesIO
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from contract.image_files import NOT_AN_IMAGE, Format, sniff
from ingest.images import metadata, miniatures
from ingest.images.miniatures import RAW_PIXELS
from ingest.images.opening import open_image
from ingest.limits import Limits
from ingest.marks import Marks
from ingest.notes import Note, Unusable
from portable.preprocess import to_8_bits

STEP = 16  # values of 16 bits are counted in so wide steps
LEVELS = 65_536 // STEP
_LARGE_PIXELS = 4_000_000
_one_large = Lock()  # a large image takes 10 bytes a pixel for a moment: one at a time keeps memory flat
_LOSSY = {"JPEG", "AVIF", "HEIF"}
_GRAY_MODES = {"1", "L", "LA", "La"}
_COLOUR_MODES = {"RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr"}
_LEVELS = np.arange(256, dtype=np.int64)
_SQUARES = _LEVELS**2
TURNS = {  # EXIF's orientation: what makes it upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Ready:
    """An image as the pack takes it. `stored` is pixels (H*W*C uint8) up to RAW_PIXELS, else an image file."""

    stored: bytes
    height: int
    width: int
    channels: int
    sha256: bytes
    sums: tuple[int, ...]  # per channel, of pixel values
    squares: tuple[int, ...]
    tile: bytes  # `miniatures.tile`
    thumbnail: bytes = b""  # a JPEG; none of what is small enough itself
    notes: tuple[Note, ...] = ()
    marks: Marks | None = None
    orientation: int = 1  # EXIF's, by which it was turned upright
    levels: NDArray[np.int64] | None = None  # of 16 bits: how often each of LEVELS steps occurs; then `stored` is a PNG


_ALPHA = Note("info", "alpha_dropped", "transparency was dropped; the colours behind it are used as they are")
_DEPTH = Note("info", "depth_reduced", "16 bits a channel were reduced to 8: the high byte is kept")
_DARK = Note(
    "warning",
    "depth_unused",
    "its 16 bits a channel use less than a sixteenth of their range, so that nearly nothing of it is left in 8",
    "Convert it to 8 bits a channel by the range that it uses.",
)
_FRAMES = Note("warning", "first_frame_only", "only the first of several frames or pages was taken")
_COLOUR = Note("info", "colours_converted", "the colours were converted to RGB")
_TURNED = Note("info", "turned_upright", "the image was turned upright, as its EXIF block asks")


def from_file(file: bytes, limits: Limits) -> Ready:
    """An image file made ready. Raises Unusable."""
    form = sniff(file)
    if form is None:
        raise _no_image(file)
    try:
        bare = metadata.strip(file, form)
        with open_image(bare.file, form) as image:
            _check_size(image.height, image.width, limits)
            with _one_large if image.height * image.width > _LARGE_PIXELS else nullcontext():
                return _ready(image, bare, form)
    except Unusable:
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(limits) from error
    except MemoryError as error:
        raise Unusable("image_memory", "Decoding takes more memory than is allowed.", "Save it smaller.") from error
    except Exception as error:  # Pillow raises nearly anything on a malformed file
        raise _corrupt(error) from error


def from_pixels(pixels_HWC: NDArray[np.uint8], limits: Limits) -> Ready:  # noqa: N803 - shape suffix
    """An array (H, W, 1 or 3) made ready. Raises Unusable."""
    height, width, channels = pixels_HWC.shape
    _check_size(height, width, limits)
    image = Image.fromarray(pixels_HWC[..., 0] if channels == 1 else pixels_HWC)
    return _measured(image, None, "PNG", ())


def as_png(pixels: bytes, height: int, width: int, channels: int) -> bytes:
    return _encoded(Image.frombytes("L" if channels == 1 else "RGB", (width, height), pixels), "PNG")


def to_look_at(ready: Ready) -> bytes:
    """A thumbnail, whatever the image's size; empty of 16 bits, whose range is not known yet."""
    if ready.thumbnail or ready.levels is not None:
        return ready.thumbnail
    return miniatures.of_stored(ready.stored, ready.height, ready.width, ready.channels)


def pixel_digest(pixels: bytes, height: int, width: int, channels: int) -> bytes:
    """sha256 of height, width, channels (three little-endian uint32) and the pixels, row by row."""
    return hashlib.sha256(struct.pack("<III", height, width, channels) + pixels).digest()


def _no_image(file: bytes) -> Unusable:
    """What stands in the file instead, where it is known."""
    head = file[:512].lstrip().lower()
    if not file.strip(b"\0"):
        what = "The file is empty." if not file else "The file holds zeros only."
        return Unusable("file_empty", what, "Copy the file again.")
    if head.startswith(b"version https://git-lfs"):
        fix = "Fetch the files of the repository with `git lfs pull`, and push again."
        return Unusable("lfs_pointer", "The file is a Git LFS pointer, not the image.", fix)
    if head.startswith((b"<!doctype html", b"<html")):
        fix = "Download the image again: the saved file is a message of a web server."
        return Unusable("not_an_image", "The file is a web page (HTML), not an image.", fix)
    return Unusable("not_an_image", NOT_AN_IMAGE, "Save it as PNG or JPEG.")


def _ready(image: Image.Image, bare: metadata.Bare, form: Format) -> Ready:
    animated = bare.animated or _has_second_frame(image, form)
    deep = _is_deep(image, bare, form)
    alpha = image.has_transparency_data
    orientation = bare.orientation  # Pillow turns a TIFF itself, libheif a HEIC
    if form == "AVIF":
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    image.load()
    mode = image.mode
    as_it_is = mode in {"L", "RGB"} and not (animated or deep or alpha or orientation != 1)
    if deep and mode.startswith("I"):
        return replace(_wide(image, orientation, alpha=alpha, animated=animated), orientation=orientation)
    converted = image if as_it_is else _converted(image, orientation)
    keeps_file = as_it_is and bare.clean
    told = ((alpha, _ALPHA), (deep, _DEPTH), (animated, _FRAMES), (orientation != 1, _TURNED))
    notes = [note for happened, note in told if happened]
    if mode in {"CMYK", "YCbCr"}:
        notes.append(_COLOUR)
    if deep and max(high for _, high in _extrema(converted)) < 256 // 16:
        notes.append(_DARK)
    ready = _measured(converted, bare.file if keeps_file else None, form, tuple(notes))
    return ready if orientation == 1 else replace(ready, orientation=orientation)


def _check_size(height: int, width: int, limits: Limits) -> None:
    if height * width > limits.pixels:
        raise _too_many_pixels(limits)
    if min(height, width) < limits.min_side_px:
        message = f"{width} x {height} px is below {limits.min_side_px} px a side."
        raise Unusable("image_too_small", message, "Leave it out, or give it in a higher resolution.")


def _has_second_frame(image: Image.Image, form: Format) -> bool:
    """Whether there is more than one frame, without counting them all: a file may hold 100,000."""
    if form in {"AVIF", "HEIF"}:
        return getattr(image, "n_frames", 1) > 1
    if form not in {"GIF", "TIFF"}:
        return False
    try:
        image.seek(1)
    except EOFError:
        return False
    image.seek(0)
    return True


def _is_deep(image: Image.Image, bare: metadata.Bare, form: Format) -> bool:
    """16 bits a channel. Pillow itself shows a 48-bit PNG as plain RGB."""
    wide = image.mode.startswith("I;16") or (form == "PPM" and image.mode == "I")
    return wide or (form == "PNG" and bare.file[24] == 16)


def _wide(image: Image.Image, orientation: int, *, alpha: bool, animated: bool) -> Ready:
    """An image of 16 bits as it is: which of its values become black and white is known once all have been seen."""
    upright = image.transpose(TURNS[orientation]) if orientation in TURNS else image
    values = np.asarray(upright).astype(np.uint16)
    told = ((alpha, _ALPHA), (animated, _FRAMES), (orientation != 1, _TURNED))
    return Ready(
        stored=_encoded(Image.fromarray(values), "PNG"),
        height=image.height if orientation < 5 else image.width,
        width=image.width if orientation < 5 else image.height,
        channels=1,
        sha256=bytes(32),
        sums=(0,),
        squares=(0,),
        tile=bytes(miniatures.TILE_BYTES),
        notes=tuple(note for happened, note in told if happened),
        levels=np.bincount(values.reshape(-1) // STEP, minlength=LEVELS),
    )


def narrowed(stored: bytes, depth_range: tuple[int, int] | None) -> Ready:
    """An image that was kept with 16 bits, with 8."""
    with Image.open(BytesIO(stored), formats=["PNG"]) as image:
        return _measured(Image.fromarray(to_8_bits(np.asarray(image), depth_range)), None, "PNG", ())


def _extrema(image: Image.Image) -> list[tuple[int, int]]:
    """Least and largest value of each channel."""
    found = image.getextrema()
    return list(found) if isinstance(found[0], tuple) else [found]  # type: ignore[list-item]


def _converted(image: Image.Image, orientation: int) -> Image.Image:
    if image.mode in _GRAY_MODES:
        image = image.convert("L")
    elif image.mode in _COLOUR_MODES:
        image = image.convert("RGB")
    else:
        message = f"Pixels of mode {image.mode} have no agreed range of values."
        raise Unusable("unsupported_pixels", message, "Save it with 8 bits a channel.")
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


def _measured(image: Image.Image, file: bytes | None, form: Format, notes: tuple[Note, ...]) -> Ready:
    """`file` is what to store as it is; without one the image is stored anew."""
    small = image.width * image.height <= RAW_PIXELS
    if file is None and not small:
        lossy = form in _LOSSY and image.mode in {"L", "RGB"}
        file = _encoded(image, "JPEG" if lossy else "PNG")
        if lossy:  # the pixels are now those of the new file
            image = Image.open(BytesIO(file), formats=["JPEG"])
    pixels = image.tobytes()
    channels = len(image.getbands())
    enough = small or (file is not None and miniatures.is_small(image.width, image.height, len(file)))
    shown, least = (b"", image) if enough else miniatures.thumbnail(image)
    histogram = np.array(image.histogram(), dtype=np.int64).reshape(channels, 256)
    return Ready(
        stored=pixels if small or file is None else file,
        height=image.height,
        width=image.width,
        channels=channels,
        sha256=pixel_digest(pixels, image.height, image.width, channels),
        sums=tuple((histogram @ _LEVELS).tolist()),
        squares=tuple((histogram @ _SQUARES).tolist()),
        tile=miniatures.tile(least),
        thumbnail=shown,
        notes=notes,
    )


def _encoded(image: Image.Image, form: str) -> bytes:
    file = BytesIO()
    image.info = {}  # or `save` would write profile and comment again
    if form == "JPEG":
        image.save(file, "JPEG", quality=95, subsampling=0)
    else:
        image.save(file, "PNG", compress_level=3)
    return file.getvalue()


def _too_many_pixels(limits: Limits) -> Unusable:
    message = f"The image has more than {limits.pixels:,} pixels."
    return Unusable("too_many_pixels", message, "Scale it down; training uses at most 1,024 px a side.")


def _corrupt(error: Exception) -> Unusable:
    if "truncated" in str(error) or "ends early" in str(error):
        return Unusable("image_truncated", "The file ends before the image does.", "Copy the file again.")
    kind = "the format inside is not supported" if isinstance(error, UnidentifiedImageError) else "it cannot be decoded"
    return Unusable("image_corrupt", f"The file is damaged: {kind}.", "Copy the file again, or save it as PNG.")
