"""Small packs of masks written straight through pyarrow: bright shapes on dark noise, a class by colour."""

import hashlib
import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from contract.pack.columns import SCHEMAS
from contract.pack.manifest import BACKGROUND, IGNORE, PackManifest, Pairability, Split

COLOURS = np.array([[0, 0, 0], [230, 60, 60], [60, 230, 60], [60, 60, 230]], np.uint8)


def shapes(
    folder: Path,
    *,
    size: int = 32,
    counts: tuple[int, int, int] = (24, 8, 8),
    classes: int = 3,
    ignored: bool = True,
    seed: int = 1,
) -> PackManifest:
    """Two squares an image, each of a class other than the background, with an outline that is nobody's."""
    random = np.random.default_rng(seed)
    scenes = [_scene(random, size=size, classes=classes, ignored=ignored) for _ in range(sum(counts))]
    splits = np.repeat([Split.TRAIN, Split.VAL, Split.TEST], counts)
    names = [BACKGROUND, *(f"colour {number}" for number in range(1, classes))]
    return write(folder, scenes, names=names, splits=splits)


def write(
    folder: Path,
    scenes: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]],
    *,
    names: list[str],
    splits: NDArray[np.int64],
) -> PackManifest:
    """Scenes of an image (H, W, C) and a mask (H, W), all of one size."""
    folder.mkdir(parents=True, exist_ok=True)
    images, masks = zip(*scenes, strict=True)
    digests = [hashlib.sha256(image.tobytes()).digest() for image in images]
    annotations = [hashlib.sha256(mask.tobytes()).digest() for mask in masks]
    shown = [sorted({*np.unique(mask).tolist()} - {IGNORE}) for mask in masks]
    labels = [max(classes) or -1 for classes in shown]
    columns = [
        [_png(image) for image in images],
        labels,
        splits,
        [image.shape[0] for image in images],
        [image.shape[1] for image in images],
        [f"{row}.png" for row in range(len(images))],
        digests,
        [_png(mask) for mask in masks],
        shown,
        annotations,
    ]
    schema = SCHEMAS["segmentation"]
    table = pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema)
    with pa.OSFile(str(folder / "samples.arrow"), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        writer.write_table(table)
    records = np.empty(len(images), dtype=[("sha256", "V32"), ("label", "<i4"), ("split", "<i1")])
    records["sha256"] = np.frombuffer(b"".join(digests), "V32")
    records["label"], records["split"] = labels, splits
    counts = {
        split.name.lower(): {
            name: int(sum((mask == number).sum() for mask, at in zip(masks, splits, strict=True) if at == split))
            for number, name in enumerate(names)
        }
        for split in Split
    }
    pixels = np.stack([image for image, at in zip(images, splits, strict=True) if at == 0]).reshape(-1, 3) / 255
    manifest = PackManifest(
        task="segmentation",
        classes=names,
        samples=len(images),
        counts=counts,
        images={split.name.lower(): int((splits == split).sum()) for split in Split},
        encoding="encoded",
        channels=3,
        image_size=images[0].shape[:2],
        median_size=images[0].shape[:2],
        mean=pixels.mean(axis=0).tolist(),
        std=pixels.std(axis=0).tolist(),
        pairability=Pairability(share=1, unpairable_classes=[]),
        evaluation_split="test",
        digest=hashlib.sha256(json.dumps(names).encode() + records.tobytes() + b"".join(annotations)).hexdigest(),
        bytes=(folder / "samples.arrow").stat().st_size,
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return manifest


def _scene(
    random: np.random.Generator, *, size: int, classes: int, ignored: bool
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    image = random.integers(0, 90, (size, size, 3), dtype=np.uint8)
    mask = np.zeros((size, size), np.uint8)
    for _ in range(2):
        side = int(random.integers(size // 4, size // 2))
        top, left = random.integers(1, size - side - 1, 2)
        label = int(random.integers(1, classes))
        if ignored:
            mask[top - 1 : top + side + 1, left - 1 : left + side + 1] = IGNORE
        mask[top : top + side, left : left + side] = label
        image[top : top + side, left : left + side] = COLOURS[label]
    return image, mask


def _png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()
