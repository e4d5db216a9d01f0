"""Small packs written straight through pyarrow, so that the trainer's tests need no ingest."""

import hashlib
import json
import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from contract.pack.columns import SCHEMAS
from contract.pack.manifest import PackManifest, Pairability, Split

ROWS_PER_CHUNK = 512
SCHEMA = SCHEMAS["classification"]


def digits(folder: Path, *, train: int = 1000, val: int = 0, test: int = 400) -> PackManifest:
    """scikit-learn's 1,797 scans of handwritten digits, 8x8, gray."""
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))[: train + val + test]
    images = (data.images[order] * (255 / 16)).astype(np.uint8)[..., None]
    splits = np.repeat([Split.TRAIN, Split.VAL, Split.TEST], [train, val, test])
    return write(folder, list(images), labels=data.target[order], splits=splits)


def shapes(
    folder: Path,
    *,
    size: tuple[int, int] = (32, 32),
    counts: tuple[int, int, int] = (96, 32, 32),
    classes: int = 4,
    encoded: bool = False,
) -> PackManifest:
    """Synthetic RGB: each class is a bright square in its own place and colour on noise.

    Encoded images are PNG files of sizes that vary around `size`.
    """
    random = np.random.default_rng(1)
    total = sum(counts)
    labels = np.arange(total) % classes
    images = []
    for label in labels:
        height, width = size + random.integers(0, 9, 2) * encoded
        images.append(_shape(label, height=int(height), width=int(width), classes=classes, random=random))
    splits = np.repeat([Split.TRAIN, Split.VAL, Split.TEST], counts)
    return write(folder, images, labels=labels, splits=splits, encoded=encoded)


def write(
    folder: Path,
    images: list[NDArray[np.uint8]],
    *,
    labels: NDArray[np.int64],
    splits: NDArray[np.int64],
    encoded: bool = False,
) -> PackManifest:
    """Images (H, W, C) uint8 as a pack. Classes are named by their number."""
    folder.mkdir(parents=True, exist_ok=True)
    hashes = [hashlib.sha256(repr(image.shape).encode() + image.tobytes()).digest() for image in images]
    columns = [
        [_png(image) if encoded else image.tobytes() for image in images],
        labels,
        splits,
        [image.shape[0] for image in images],
        [image.shape[1] for image in images],
        [f"{row}.png" for row in range(len(images))],
        hashes,
    ]
    table = pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)
    path = folder / "samples.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
        writer.write_table(table, max_chunksize=ROWS_PER_CHUNK)
    manifest = _manifest(images, labels=labels, splits=splits, encoded=encoded, hashes=hashes, size=path.stat().st_size)
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return manifest


def _manifest(
    images: list[NDArray[np.uint8]],
    *,
    labels: NDArray[np.int64],
    splits: NDArray[np.int64],
    encoded: bool,
    hashes: list[bytes],
    size: int,
) -> PackManifest:
    classes = [str(label) for label in range(int(labels.max()) + 1)]
    counts = {
        split.name.lower(): {name: int(((splits == split) & (labels == int(name))).sum()) for name in classes}
        for split in Split
        if (splits == split).any()
    }
    training = [
        image.reshape(-1, image.shape[-1]) / 255 for image, split in zip(images, splits, strict=True) if split == 0
    ]
    pixels = np.concatenate(training)
    sizes = {image.shape[:2] for image in images}
    single = [name for name in classes if counts["train"][name] == 1]
    rows = zip(hashes, labels.tolist(), splits.tolist(), strict=True)
    records = b"".join(sample + struct.pack("<ib", label, split) for sample, label, split in rows)
    return PackManifest(
        classes=classes,
        samples=len(images),
        counts=counts,
        encoding="encoded" if encoded else "raw",
        channels=images[0].shape[-1],
        image_size=sizes.pop() if len(sizes) == 1 else None,
        median_size=tuple(int(side) for side in np.median([image.shape[:2] for image in images], axis=0)),
        mean=pixels.mean(axis=0).tolist(),
        std=np.maximum(pixels.std(axis=0), 1e-3).tolist(),
        pairability=Pairability(share=1 - len(single) / max(1, len(training)), unpairable_classes=single),
        evaluation_split="test" if (splits == Split.TEST).any() else "val",
        digest=hashlib.sha256(json.dumps(classes).encode() + records).hexdigest(),
        bytes=size,
    )


def _shape(label: int, *, height: int, width: int, classes: int, random: np.random.Generator) -> NDArray[np.uint8]:
    image = random.integers(0, 120, (height, width, 3), dtype=np.uint8)
    side = min(height, width) // 3
    top = int(label * (height - side) / max(1, classes - 1))
    left = int(random.integers(0, width - side + 1))
    image[top : top + side, left : left + side, label % 3] = 250
    return image


def _png(image: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(buffer, "png")
    return buffer.getvalue()
