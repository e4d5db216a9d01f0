"""Runs ingest on bytes, and reads packs back to check them against their manifest."""

import hashlib
import io
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from contract.pack.manifest import PackManifest, Split
from contract.specs.reading import AS_FOUND, ReadingSpec
from contract.tasks import TaskName
from ingest import IngestResult, Limits, SplitRequest, ingest


def run_ingest(
    archive: bytes,
    folder: Path,
    *,
    task: TaskName = "classification",
    splits: SplitRequest | None = None,
    limits: Limits | None = None,
    reading: ReadingSpec = AS_FOUND,
) -> IngestResult:
    """Ingest from FOLDER/archive into FOLDER/out."""
    path = folder / "archive"
    path.write_bytes(archive)
    return ingest(
        path,
        folder / "out",
        task=task,
        splits=splits,
        progress=lambda _done, _total: None,
        limits=limits,
        reading=reading,
    )


def read_pack(out: Path) -> pa.Table:
    with pa.memory_map(str(out / "samples.arrow")) as file:
        return pa.ipc.open_file(file).read_all()


def decode(row: dict[str, object], manifest: PackManifest) -> np.ndarray:
    """A row's pixels as (H, W, C)."""
    stored, height, width = row["image"], row["height"], row["width"]
    assert isinstance(stored, bytes)
    if manifest.encoding == "raw":
        return np.frombuffer(stored, np.uint8).reshape(height, width, manifest.channels)
    image = Image.open(io.BytesIO(stored), formats=["JPEG", "PNG", "WEBP"])
    assert image.mode in {"L", "RGB"}
    assert not image.getexif()
    assert not {"icc_profile", "comment", "exif", "xmp", "photoshop", "Software"} & image.info.keys()
    return np.asarray(image).reshape(image.height, image.width, -1)


def check_pack(out: Path) -> list[np.ndarray]:
    """Everything that the manifest and the columns claim, against the decoded pixels, which are returned."""
    manifest = PackManifest.model_validate_json((out / "manifest.json").read_bytes())
    table = read_pack(out)
    assert manifest.bytes == (out / "samples.arrow").stat().st_size
    assert manifest.samples == len(table) == sum(manifest.split_size(split) for split in ("train", "val", "test"))
    images = []
    training = []
    for row in table.to_pylist():
        pixels = decode(row, manifest)
        images.append(pixels)
        assert pixels.shape[:2] == (row["height"], row["width"])
        claimed = [pixels, pixels[..., :1]] if manifest.encoding == "raw" else [pixels]  # gray stored three times
        assert row["sha256"] in {pixel_sha256(shape) for shape in claimed}
        assert "\ufffd" in row["path"] or row["path"].isprintable()
        if row["split"] == Split.TRAIN:
            training.append(
                np.broadcast_to(pixels, (*pixels.shape[:2], manifest.channels)).reshape(-1, manifest.channels)
            )
    every = np.concatenate(training).astype(np.float64) / 255
    np.testing.assert_allclose(manifest.mean, every.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(manifest.std, np.maximum(every.std(axis=0), 1 / 255), atol=1e-9)
    return images


def pixel_sha256(pixels: np.ndarray) -> bytes:
    return hashlib.sha256(struct.pack("<III", *pixels.shape) + pixels.tobytes()).digest()
