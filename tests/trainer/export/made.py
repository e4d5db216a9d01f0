"""Packs and trained folders made on the spot, for the tests of exports."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from PIL import Image
from sklearn.datasets import load_digits

from core.spec import Evaluation, JobSpec, PackManifest, ResolvedSpec, SplitEvaluation, resolve
from trainer import models, preprocess, weights
from trainer.pack import Pack, open_pack

SCHEMA = pa.schema(
    [
        ("image", pa.large_binary()),
        ("label", pa.int32()),
        ("split", pa.int8()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("path", pa.string()),
        ("sha256", pa.binary(32)),
    ]
)
SPLITS = {0: "train", 1: "val", 2: "test"}


def digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's scans as (N, 8, 8, 1) uint8, and their labels."""
    data = load_digits()
    return (data.images * 255 / 16).round().astype(np.uint8)[..., None], data.target


def coloured_digits(side: int) -> tuple[np.ndarray, np.ndarray]:
    """The scans enlarged, ink and paper tinted at random: (N, side, side, 3) uint8."""
    gray, labels = digits()
    random = np.random.default_rng(0)
    images = []
    for scan in gray[..., 0]:
        ink = np.asarray(Image.fromarray(scan).resize((side, side), Image.Resampling.BICUBIC), np.float32)[..., None]
        paper, pen = random.uniform(0, 110, 3), random.uniform(120, 255, 3)
        images.append((paper + (pen - paper) * ink / 255).round().astype(np.uint8))
    return np.stack(images), labels


def write_pack(folder: Path, images: np.ndarray, labels: np.ndarray, *, encoding: str = "raw", held_out: int) -> Pack:
    """A pack of uint8 images (N, H, W, C); the last `held_out` are the test split."""
    folder.mkdir(parents=True)
    count, height, width, channels = images.shape
    splits = np.where(np.arange(count) < count - held_out, 0, 2)
    content = [image.tobytes() if encoding == "raw" else _png(image) for image in images]
    digests = [hashlib.sha256(image.tobytes()).digest() for image in images]
    columns = [content, labels, splits, [height] * count, [width] * count, [f"{n}.png" for n in range(count)], digests]
    arrays = [pa.array(list(column), field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    batch = pa.record_batch(arrays, schema=SCHEMA)
    with pa.ipc.new_file(folder / "samples.arrow", SCHEMA) as file:
        file.write_batch(batch)
    scaled = images[splits == 0].reshape(-1, channels) / 255
    names = [f"class {label}" for label in range(int(labels.max()) + 1)]
    manifest = PackManifest(
        classes=names,
        samples=count,
        counts={
            split: {name: int(((labels == k) & (splits == number)).sum()) for k, name in enumerate(names)}
            for number, split in SPLITS.items()
        },
        encoding=encoding,
        channels=channels,
        image_size=(height, width),
        median_size=(height, width),
        mean=scaled.mean(0).tolist(),
        std=scaled.std(0).tolist(),
        pairability={"share": 1.0, "unpairable_classes": []},
        evaluation_split="test",
        digest=hashlib.sha256(b"".join(digests)).hexdigest(),
        bytes=(folder / "samples.arrow").stat().st_size,
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return open_pack(folder)


def _png(image: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(file, "PNG")
    return file.getvalue()


def spec_for(pack: Pack, architecture: str, **parts: object) -> ResolvedSpec:
    asked = JobSpec.model_validate({"dataset": "dsv_test", "model": {"architecture": architecture}, **parts})
    return resolve(asked, pack.manifest)[0]


def train(spec: ResolvedSpec, pack: Pack, out: Path, *, epochs: int) -> None:
    """Leave a trained network and its evaluation in `out`, as `train` and `evaluate` do."""
    torch.manual_seed(0)
    net = models.build(spec.model, num_classes=len(pack.manifest.classes), channels=pack.manifest.channels)
    rows, labels = np.flatnonzero(pack.splits == 0), torch.from_numpy(pack.labels)
    images = inputs(spec, pack, rows)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.1  # MobileNet's 0.01 needs more steps than a test has
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(epochs):
        order = torch.randperm(len(rows))
        for batch in order.split(128):
            loss = torch.nn.functional.cross_entropy(net(images[batch]), labels[rows][batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    weights.save(net, out / "main" / weights.FILE_NAME)
    held_out = np.flatnonzero(pack.splits == 2)
    with torch.no_grad():
        predicted = net.eval()(inputs(spec, pack, held_out)).argmax(1)
    write_evaluation(out, "main", pack, (predicted == labels[held_out]).float().mean().item())


def inputs(spec: ResolvedSpec, pack: Pack, rows: np.ndarray) -> torch.Tensor:
    pixels = np.stack([pack.read(int(row), height=spec.height, width=spec.width) for row in rows])
    return torch.from_numpy(preprocess.normalise(pixels, pack.manifest.mean, pack.manifest.std))


def write_evaluation(out: Path, arm: str, pack: Pack, top1_accuracy: float) -> None:
    figures = SplitEvaluation(
        split="test",
        samples=pack.manifest.split_size("test"),
        top1_accuracy=top1_accuracy,
        top5_accuracy=None,
        nll=0.5,
        ece=0.05,
        probability_correct=None,
        probability_wrong=None,
        confidence_intervals={"top1_accuracy": (0.1, 0.9)},
        per_class=[],
        confusion=[],
        robustness={},
    )
    evaluation = Evaluation(
        arm=arm,
        method="patch_swap" if arm == "main" else "cross_entropy",
        splits={"test": figures},
        evaluation_split="test",
        images_seen=12345,
        train_seconds=6.7,
        parameters=1,
        macs=2,
    )
    (out / arm).mkdir(parents=True, exist_ok=True)
    (out / arm / "evaluation.json").write_text(evaluation.model_dump_json())
