"""Images of 16 bits: one range for the whole set, the same at inference."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ingest import IngestResult
from portable import preprocess
from tests.ingest.archives import encode, folders, zipped
from tests.ingest.packs import check_pack, decode, read_pack, run_ingest


def wide(seed: int, low: int, high: int, side: int = 24) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(low, high + 1, (side, side), dtype=np.uint16)


def ingested(tmp_path: Path, low: int, high: int, *, form: str = "PNG", side: int = 24) -> tuple[IngestResult, dict]:
    values = {
        f"{name}/{n}.{form.lower()}": wide(n + 50 * (name == "b"), low, high, side) for name in "ab" for n in range(10)
    }
    files = {path: encode(Image.fromarray(pixels), form) for path, pixels in values.items()}
    return run_ingest(zipped(files), tmp_path), {"values": values, "files": files}


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("side", [24, 96])
def test_a_sensors_range_fills_all_of_eight_bits_and_inference_does_the_same(
    tmp_path: Path, form: str, side: int
) -> None:
    result, made = ingested(tmp_path, 700, 1000, form=form, side=side)
    assert result.manifest is not None
    assert result.manifest.depth_range == (688, 1007)
    assert result.report.counts["depth_scaled"] == 1
    check_pack(tmp_path / "out")
    for row in read_pack(tmp_path / "out").to_pylist():
        stored = decode(row, result.manifest)
        file = made["files"][row["path"]]
        rules = {"height": side, "width": side, "channels": 1, "depth_range": result.manifest.depth_range}
        with Image.open(io.BytesIO(file)) as image:
            np.testing.assert_array_equal(stored, preprocess.to_pixels(image, **rules))
    assert len(np.unique(stored)) > 100


def test_a_set_that_uses_sixteen_bits_keeps_the_high_byte(tmp_path: Path) -> None:
    result, made = ingested(tmp_path, 0, 65_535)
    assert result.manifest is not None
    assert result.manifest.depth_range is None
    row = read_pack(tmp_path / "out").to_pylist()[0]
    np.testing.assert_array_equal(decode(row, result.manifest)[..., 0], made["values"][row["path"]] >> 8)


def test_hot_pixels_do_not_set_the_range(tmp_path: Path) -> None:
    files = {}
    for name in "ab":
        for n in range(10):
            pixels = wide(n + 50 * (name == "b"), 700, 1000, 128)
            pixels[0, 0] = 65_535
            files[f"{name}/{n}.png"] = encode(Image.fromarray(pixels))
    result = run_ingest(zipped(files), tmp_path)
    assert result.manifest is not None
    assert result.manifest.depth_range == (688, 1007)


def test_eight_and_sixteen_bits_in_one_set_are_told(tmp_path: Path) -> None:
    files = folders({"a": 10, "b": 10}) | {f"a/w{n}.png": encode(Image.fromarray(wide(n, 0, 4095))) for n in range(5)}
    result = run_ingest(zipped(files), tmp_path)
    assert result.report.counts["depth_mixed"] == 1
    check_pack(tmp_path / "out")
