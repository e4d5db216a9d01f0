"""Small trained networks and their exports, made once for all the tests that look at them."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.child.messages import AnyMessage
from contract.results.exported import ExportResult
from contract.specs import ExportSpec, ResolvedSpec, parse, resolve
from tests.data import masked, packs
from tests.trainer.export import made
from tests.trainer.tasks.detection import made as detection
from trainer import export
from trainer.data.pack import Pack, open_pack


@dataclass(frozen=True)
class Trained:
    spec: ResolvedSpec
    pack: Pack
    out: Path


@dataclass(frozen=True)
class Exported:
    messages: list[AnyMessage]
    result: ExportResult
    archive: Path
    folder: Path  # the bundle, unpacked


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A ResNet-20 on 8 px gray scans, with a control's evaluation beside it."""
    folder = tmp_path_factory.mktemp("trained")
    packs.digits(folder / "pack", train=700, test=300)
    pack = open_pack(folder / "pack")
    spec = made.quick_spec(pack, "resnet20", epochs=5)
    made.train_and_evaluate(spec, pack, folder / "out")
    made.state_evaluation(folder / "out", arm="control", top1_accuracy=0.5, taken_from=folder / "out")
    return Trained(spec, pack, folder / "out")


@pytest.fixture(scope="session")
def trained_on_masks(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """An LR-ASPP on coloured squares of 48 px."""
    folder = tmp_path_factory.mktemp("segmentation")
    masked.shapes(folder / "pack", size=48, counts=(48, 8, 12))
    pack = open_pack(folder / "pack")
    return train_on_masks(pack, folder / "out", epochs=12, pairs_per_batch=8)


def train_on_masks(pack: Pack, out: Path, *, epochs: int, pairs_per_batch: int, **model: str) -> Trained:
    training = {"epochs": epochs, "pairs_per_batch": pairs_per_batch}
    adam = {"name": "adamw", "learning_rate": 2e-3, "schedule": "cosine"}
    body = {"dataset": "dsv_test", "method": {"name": "cross_entropy"}, "training": training, "optimizer": adam}
    spec, _ = resolve(parse(body | {"model": model}), pack.manifest)
    made.train_and_evaluate(spec, pack, out)
    return Trained(spec, pack, out)


@pytest.fixture(scope="session")
def trained_on_boxes(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """An FCOS on letters in scenes of 64 px."""
    folder = tmp_path_factory.mktemp("detection")
    pack = detection.pack_of(folder, count=300)
    still = {"horizontal_flip": False, "scale_jitter": [1, 1], "photometric": False}
    training = {"epochs": 8, "pairs_per_batch": 4, "augmentation": still}
    optimizer = {"name": "adamw", "learning_rate": 1e-3, "schedule": "cosine", "warmup_epochs": 1}
    spec = detection.spec_of(pack.manifest, method={"name": "cross_entropy"}, training=training, optimizer=optimizer)
    made.train_and_evaluate(spec, pack, folder / "out")
    return Trained(spec, pack, folder / "out")


@pytest.fixture(scope="session")
def fp32(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return run_export(trained, ExportSpec(precision="fp32"), tmp_path_factory.mktemp("fp32"))


@pytest.fixture(scope="session")
def fp16(trained: Trained, fp32: Exported, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return run_export(trained, ExportSpec(precision="fp16"), tmp_path_factory.mktemp("fp16"))


@pytest.fixture(scope="session")
def int8(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return run_export(trained, ExportSpec(precision="int8"), tmp_path_factory.mktemp("int8"))


def run_export(trained: Trained, asked: ExportSpec, folder: Path) -> Exported:
    messages = list(export.run(trained.spec, pack=trained.pack, export=asked, out=trained.out, folder=folder))
    return unpack(folder, messages)


def unpack(folder: Path, messages: list[AnyMessage]) -> Exported:
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        archive.extractall(folder / "unpacked")
    result = ExportResult.model_validate_json((folder / "export.json").read_bytes())
    return Exported(messages, result, folder / "bundle.zip", folder / "unpacked")
