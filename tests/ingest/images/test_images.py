"""One image on its way into the pack: conversions, what is stored of its file, and that no metadata survives."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ingest.images.images import Ready, Unusable, from_file, from_pixels, narrowed
from ingest.limits import Limits
from portable import preprocess
from tests.ingest.archives import encode, exif, pixels, with_chunk
from tests.ingest.packs import pixel_sha256

SIDE = 80  # above 64 px files are stored, not pixels
LIMITS = Limits()


def decoded(ready: Ready) -> np.ndarray:
    if ready.height * ready.width <= 64 * 64:
        return np.frombuffer(ready.stored, np.uint8).reshape(ready.height, ready.width, ready.channels)
    image = Image.open(io.BytesIO(ready.stored))
    assert image.mode in {"L", "RGB"}
    return np.asarray(image).reshape(image.height, image.width, -1)


def tagged(form: str, orientation: int = 1) -> bytes:
    """An image with an EXIF block, a profile and a comment, each holding the word CANARY."""
    options: dict[str, Any] = {"exif": exif(orientation), "icc_profile": b"CANARY" * 30}
    if form == "JPEG":
        options |= {"comment": b"CANARY", "quality": 90}
    if form == "WEBP":
        options |= {"xmp": b"CANARY", "lossless": True}
    return encode(pixels(1, side=SIDE), form, **options)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_upright_file_keeps_its_pixels_and_loses_its_metadata(form: str) -> None:
    file = tagged(form)
    assert b"CANARY" in file
    ready = from_file(file, LIMITS)
    assert b"CANARY" not in ready.stored
    assert b"Exif" not in ready.stored
    assert len(file) - 1000 < len(ready.stored) < len(file)
    assert Image.open(io.BytesIO(ready.stored)).format == form
    np.testing.assert_array_equal(decoded(ready), np.asarray(Image.open(io.BytesIO(file)).convert("RGB")))


@pytest.mark.parametrize("form", ["TIFF", "GIF", "BMP"])
def test_other_formats_become_png_without_metadata(form: str) -> None:
    options = {"TIFF": {"exif": exif(), "icc_profile": b"CANARY" * 30}, "GIF": {"comment": b"CANARY"}, "BMP": {}}[form]
    file = encode(Image.fromarray(pixels(1, side=SIDE)), form, **options)
    ready = from_file(file, LIMITS)
    assert Image.open(io.BytesIO(ready.stored)).format == "PNG"
    assert b"CANARY" not in ready.stored
    np.testing.assert_array_equal(decoded(ready), np.asarray(Image.open(io.BytesIO(file)).convert("RGB")))


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_images_are_stored_upright(form: str, orientation: int) -> None:
    file = encode(
        pixels(1, side=SIDE)[:70], form, exif=exif(orientation), **({"lossless": True} if form == "WEBP" else {})
    )
    ready = from_file(file, LIMITS)
    shape = {"height": ready.height, "width": ready.width}
    np.testing.assert_array_equal(decoded(ready), preprocess.decode(file, channels=3, **shape))
    assert (ready.height, ready.width) == ((70, SIDE) if orientation < 5 else (SIDE, 70))


@pytest.mark.parametrize("orientation", [3, 6])
def test_turned_jpeg_is_saved_again_close_to_what_it_was(orientation: int) -> None:
    ramp = np.repeat(np.arange(SIDE, dtype=np.uint8)[:, None, None] * 3, SIDE, axis=1).repeat(3, axis=2)
    file = encode(ramp, "JPEG", quality=95, exif=exif(orientation))
    ready = from_file(file, LIMITS)
    assert b"Exif" not in ready.stored
    upright = preprocess.decode(file, height=SIDE, width=SIDE, channels=3)
    assert np.abs(decoded(ready).astype(int) - upright).max() <= 3


def test_xmp_turns_an_image_too() -> None:
    xmp = b'http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta tiff:Orientation="6"/>'
    file = encode(pixels(1, side=SIDE)[:70], "JPEG")
    segment = b"\xff\xe1" + (len(xmp) + 2).to_bytes(2, "big") + xmp
    ready = from_file(file[:2] + segment + file[2:], LIMITS)
    assert (ready.height, ready.width) == (SIDE, 70)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
@pytest.mark.parametrize("side", [16, SIDE])
def test_colours_are_converted_as_at_inference(mode: str, side: int) -> None:
    image = Image.fromarray(np.dstack([pixels(1, side=side), pixels(2, side=side, channels=1)])).convert(
        "RGB" if mode in {"CMYK", "YCbCr", "P", "1"} else mode
    )
    file = encode(image.convert(mode), "TIFF" if mode in {"CMYK", "YCbCr"} else "PNG")
    ready = from_file(file, LIMITS)
    assert ready.channels == (1 if mode in {"1", "L", "LA"} else 3)
    expected = preprocess.decode(file, height=side, width=side, channels=ready.channels)
    np.testing.assert_array_equal(decoded(ready), expected)


@pytest.mark.parametrize("side", [16, SIDE])
def test_ink_colours_of_a_jpeg_are_converted_as_at_inference(side: int) -> None:
    file = encode(Image.fromarray(np.full((side, side, 4), (200, 30, 90, 10), np.uint8), "CMYK"), "JPEG", quality=100)
    ready = from_file(file, LIMITS)
    expected = preprocess.decode(file, height=side, width=side, channels=3)
    assert np.abs(decoded(ready).astype(int) - expected).max() <= (0 if side == 16 else 2)
    assert [note.code for note in ready.notes] == ["colours_converted"]


@pytest.mark.parametrize("mode", ["P", "RGB", "L"])
def test_a_transparent_colour_is_dropped_as_alpha_is(mode: str) -> None:
    image = Image.fromarray(pixels(1, side=SIDE)).convert(mode)
    file = encode(image, transparency=(1, 2, 3) if mode == "RGB" else 1)
    ready = from_file(file, LIMITS)
    assert [note.code for note in ready.notes] == ["alpha_dropped"]
    assert b"tRNS" not in ready.stored
    shape = {"height": SIDE, "width": SIDE, "channels": ready.channels}
    np.testing.assert_array_equal(decoded(ready), preprocess.decode(file, **shape))


def test_sixteen_bit_gray_is_kept_until_its_range_is_known() -> None:
    values = np.arange(256, dtype=np.uint16).reshape(16, 16) * 256 + 17
    file = encode(Image.fromarray(values))
    ready = from_file(file, LIMITS)
    assert ready.levels is not None
    assert ready.levels.sum() == values.size
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(ready.stored))), values)
    high_byte = narrowed(ready.stored, None)
    np.testing.assert_array_equal(decoded(high_byte), preprocess.decode(file, height=16, width=16, channels=1))
    assert decoded(high_byte).ravel().tolist() == list(range(256))


@pytest.mark.parametrize("side", [16, SIDE])
@pytest.mark.parametrize("channels", [1, 3])
def test_sums_and_digest_are_those_of_the_pixels(side: int, channels: int) -> None:
    drawn = pixels(5, side=side, channels=channels).reshape(side, side, channels)
    for ready in (from_pixels(drawn, LIMITS), from_file(encode(pixels(5, side=side, channels=channels)), LIMITS)):
        assert ready.sha256 == pixel_sha256(drawn)
        assert ready.sums == tuple(drawn.sum(axis=(0, 1), dtype=int))
        assert ready.squares == tuple((drawn.astype(int) ** 2).sum(axis=(0, 1)))


def test_what_follows_a_jpeg_is_cut_off() -> None:
    """As in phone cameras' second pictures, which have EXIF blocks of their own."""
    file = encode(pixels(1, side=SIDE), "JPEG", progressive=True, restart_marker_blocks=4)
    ready = from_file(file + tagged("JPEG"), LIMITS)
    assert len(ready.stored) <= len(file)
    np.testing.assert_array_equal(decoded(ready), np.asarray(Image.open(io.BytesIO(file))))


def test_mask_of_a_lossy_webp_is_dropped_and_told() -> None:
    image = Image.fromarray(np.dstack([pixels(1, side=SIDE), pixels(2, side=SIDE, channels=1)]))
    ready = from_file(encode(image, "WEBP", exif=exif()), LIMITS)
    assert [note.code for note in ready.notes] == ["alpha_dropped"]
    assert b"CANARY" not in ready.stored


def test_webp_with_stray_mask_and_metadata_is_not_stored_as_it_is() -> None:
    """A mask that the header does not announce: decoders show plain RGB, the file still carries EXIF."""
    plain = encode(pixels(1, side=SIDE), "WEBP", exif=exif())
    stray = b"ALPH" + (2).to_bytes(4, "little") + b"\x00\x00"
    at = plain.index(b"VP8 ")
    file = plain[:4] + (len(plain) + 2).to_bytes(4, "little") + plain[8:at] + stray + plain[at:]
    assert b"CANARY" not in from_file(file, LIMITS).stored


@pytest.mark.parametrize("kept", [30, 200, 2000, -40])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_cut_files_are_unusable(form: str, kept: int) -> None:
    with pytest.raises(Unusable) as caught:
        from_file(encode(pixels(1, side=SIDE), form)[:kept], LIMITS)
    assert caught.value.fault.code in {"image_truncated", "image_corrupt"}


def test_broken_exif_block_does_not_cost_the_image() -> None:
    ready = from_file(with_chunk(encode(pixels(1, side=SIDE)), b"eXIf", b"MM\x00*\xff\xff\xff\xff"), LIMITS)
    np.testing.assert_array_equal(decoded(ready), pixels(1, side=SIDE))
