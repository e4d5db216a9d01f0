"""Archives with bytes flipped, cut out or put in at random: always a report, never a crash, and every pack is sound."""

import io
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from ingest.images.images import Ready, Unusable, from_file
from ingest.limits import Limits
from tests.ingest.archives import encode, exif, folders, npz, parquet, pixels, png, tarred, zipped
from tests.ingest.packs import check_pack, run_ingest

MANY = {"cat": 30, "dog": 30}
TABLE = b"id,label\n" + b"\n".join(b"%d,%d" % (number, number % 2) for number in range(12))
LABELS = np.arange(12) % 2
ARCHIVES = {
    "zip": zipped(folders(MANY)),
    "stored": zipped(folders(MANY), method=0),
    "tar": tarred(folders({"cat": 6, "dog": 6}), mode="w"),
    "tar.gz": tarred(folders({"cat": 6, "dog": 6})),
    "csv": zipped({f"{number}.png": png(number) for number in range(12)} | {"a.csv": TABLE}),
    "npz": npz(images=np.stack([pixels(number) for number in range(12)]), labels=LABELS),
    "parquet": parquet({"image": [{"bytes": png(number), "path": "a"} for number in range(12)], "label": LABELS}),
}
IMAGES = {
    "png": encode(pixels(1, side=80)),
    "palette": encode(pixels(1, side=80, channels=1), bits=4),
    "jpeg": encode(pixels(1, side=80), "JPEG", exif=exif(6)),
    "progressive": encode(pixels(1, side=80), "JPEG", progressive=True),
    "gif": encode(pixels(1, side=80, channels=1), "GIF"),
    "bmp": encode(pixels(1, side=20), "BMP"),
    "webp": encode(pixels(1, side=80), "WEBP", exif=exif(3), lossless=True),
    "tiff": encode(pixels(1, side=20), "TIFF", compression="tiff_lzw"),
}
change = st.tuples(st.floats(0, 1), st.sampled_from(["flip", "cut", "put"]), st.integers(1, 255))
damage = st.lists(change, min_size=1, max_size=6)


def damaged(content: bytes, changes: list[tuple[float, str, int]]) -> bytes:
    """`where`: a share of the length, so that shrinking finds the place again."""
    file = bytearray(content)
    for where, change, value in changes:
        at = min(int(where * len(file)), len(file) - 1)
        if change == "flip":
            file[at] ^= value
        elif change == "cut":
            del file[at : at + value]
        else:
            file[at:at] = bytes([value]) * value
        file = file or bytearray(b"\x00")
    return bytes(file)


@pytest.mark.parametrize("kind", ARCHIVES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(changes=damage)
@example(changes=[(0.999, "flip", 1)])
def test_damaged_archive_gets_a_report(kind: str, changes: list[tuple[float, str, int]]) -> None:
    check_damaged(kind, changes)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ARCHIVES)
@settings(max_examples=1500, suppress_health_check=[HealthCheck.too_slow])
@given(changes=damage)
def test_damaged_archive_gets_a_report_many_times(kind: str, changes: list[tuple[float, str, int]]) -> None:
    check_damaged(kind, changes)


def check_damaged(kind: str, changes: list[tuple[float, str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = run_ingest(damaged(ARCHIVES[kind], changes), Path(folder))
        assert (result.manifest is not None) == (result.report.status == "ready")
        if result.manifest is not None:
            check_pack(Path(folder) / "out")
        else:
            assert result.report.findings[0].severity == "error"


@pytest.mark.parametrize(
    "header", ["{'descr': ('|u1', 'shape': (2, 8, 8), ", "{'descr': '|u1',\n  'x'\n 'y'", "{", "\0", "{'descr': 1L}"]
)
def test_header_of_an_array_that_is_no_literal_is_reported(header: str, tmp_path: Path):
    array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode("latin-1") + bytes(128)
    result = run_ingest(zipped({"images.npy": array, "labels.npy": array}), tmp_path)
    assert (result.manifest, result.report.findings[0].code) == (None, "array_damaged")


@pytest.mark.parametrize("form", IMAGES)
@settings(max_examples=60)
@given(changes=damage)
def test_damaged_image_is_taken_whole_or_refused(form: str, changes: list[tuple[float, str, int]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ready = from_file(damaged(IMAGES[form], changes), Limits(pixels=1_000_000))
        except Unusable:
            return
    assert isinstance(ready, Ready)
    if ready.height * ready.width > 64 * 64:
        stored = Image.open(io.BytesIO(ready.stored))
        assert stored.mode in {"L", "RGB"}
        assert not stored.getexif()


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.slow)])
def test_mutated_images_crash_nothing_and_hang_nothing(count: int) -> None:
    command = [sys.executable, "-m", "tests.ingest.mutated", str(count), "4711"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["taken"] + found["refused"] == count
    assert min(found["taken"], found["refused"]) > count / 20  # neither all alike nor all broken
    assert found["slowest_seconds"] < 2
    assert found["peak_bytes"] < 400 * 2**20
