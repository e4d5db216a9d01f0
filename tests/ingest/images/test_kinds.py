"""Kinds of picture files beyond JPEG and PNG, and those that nothing here reads."""

import io
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from ingest import Limits
from ingest.images.images import from_file
from tests.ingest.archives import encode, folders, pixels, zipped
from tests.ingest.packs import check_pack, run_ingest

UPRIGHT = Image.fromarray(np.repeat(np.arange(0, 240, dtype=np.uint8)[:, None], 100, axis=1)).convert("RGB")


def heic(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, format="HEIF", quality=95, **options)
    return file.getvalue()


def turned(form: str) -> bytes:
    """The upright picture, stored on its side, with an orientation that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    side = UPRIGHT.transpose(Image.Transpose.ROTATE_90)
    if form == "HEIF":
        return heic(side, exif=exif.tobytes())
    file = io.BytesIO()
    side.save(file, form, exif=exif.tobytes(), quality=95)
    return file.getvalue()


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
def test_photos_of_phones_are_read_upright_and_without_their_place(form: str) -> None:
    ready = from_file(turned(form), Limits())
    assert (ready.height, ready.width) == (240, 100)
    with Image.open(io.BytesIO(ready.stored)) as stored:
        assert not stored.getexif()
        assert np.abs(np.asarray(stored, int) - np.asarray(UPRIGHT, int)).max() < 12


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
def test_half_of_a_class_in_another_kind_is_in_the_pack(form: str, tmp_path: Path) -> None:
    files = folders({"cat": 10, "dog": 10})
    for number in range(10):
        picture = Image.fromarray(pixels(500 + number, side=96))
        content = heic(picture) if form == "HEIF" else encode(picture, "AVIF")
        files[f"cat/photo{number}.{'heic' if form == 'HEIF' else 'avif'}"] = content
    result = run_ingest(zipped(files), tmp_path)
    assert (result.report.accepted, result.report.skipped) == (30, 0)
    check_pack(tmp_path / "out")


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
@pytest.mark.parametrize("cut", [20, 60, 400])
def test_a_file_that_is_cut_short_is_left_out(form: str, cut: int, tmp_path: Path) -> None:
    noise = Image.fromarray(pixels(1, side=96))
    whole = heic(noise) if form == "HEIF" else encode(noise, "AVIF")
    files = folders({"cat": 20, "dog": 20}) | {f"cat/x.{form.lower()}": whole[:cut]}
    result = run_ingest(zipped(files), tmp_path)
    assert (result.report.accepted, result.report.skipped) == (40, 1)


def test_netpbm_is_read(tmp_path: Path) -> None:
    files = {
        f"{name}/{n}.{suffix}": encode(Image.fromarray(pixels(n + 50 * (name == "b"), channels=channels)), "PPM")
        for name in "ab"
        for n, (suffix, channels) in enumerate([("ppm", 3), ("pgm", 1)] * 4)
    }
    result = run_ingest(zipped(files), tmp_path)
    assert result.report.accepted == 16


def test_pictures_that_nothing_reads_count_as_bad(tmp_path: Path) -> None:
    files = folders({"cat": 10, "dog": 10}) | {f"cat/{n}.CR2": b"raw" for n in range(5)}
    result = run_ingest(zipped(files), tmp_path)
    assert result.manifest is None
    assert "5 of 25 images" in result.report.findings[0].message
    assert ".cr2 are not read" in result.report.findings[0].message
