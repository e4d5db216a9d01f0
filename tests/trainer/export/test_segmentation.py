"""A segmentation network becomes a verified int8 bundle that says and draws what a picture shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.spec import Constraints, ExportSpec, parse, resolve
from tests.data import masked
from tests.trainer.export.conftest import Exported, Trained, run_export
from tests.trainer.export.made import train_and_evaluate
from trainer.pack import open_pack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("segmentation")
    masked.shapes(folder / "pack", size=48, counts=(48, 8, 12))
    pack = open_pack(folder / "pack")
    training = {"epochs": 12, "pairs_per_batch": 8}
    adam = {"name": "adamw", "learning_rate": 2e-3, "schedule": "cosine"}
    body = {"dataset": "dsv_test", "method": {"name": "cross_entropy"}, "training": training, "optimizer": adam}
    spec, _ = resolve(parse(body), pack.manifest)
    train_and_evaluate(spec, pack, folder / "out")
    return Trained(spec, pack, folder / "out")


@pytest.fixture(scope="module")
def int8(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    asked = ExportSpec(precision="int8", constraints=Constraints(max_drop_points=5))
    return run_export(trained, asked, tmp_path_factory.mktemp("int8"))


def command(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_file_is_measured_by_the_figures_of_masks(int8: Exported):
    measured = int8.result.measured
    assert int8.result.status == "succeeded"
    assert measured["mean_iou"] > 0.6
    assert measured["drop_points"] == pytest.approx(100 * (measured["trained_mean_iou"] - measured["mean_iou"]))
    assert measured["bytes_ratio"] < 0.3
    assert measured["fp32_agreement"] > 0.95  # of pixels
    card = (int8.folder / "model_card.md").read_text()
    assert f"{100 * measured['mean_iou']:.2f}" in card
    assert "mIoU %" in card


def test_a_gate_is_of_mean_iou(trained: Trained, tmp_path: Path):
    asked = ExportSpec(precision="fp32", constraints=Constraints(max_bytes=1))
    assert run_export(trained, asked, tmp_path).result.status == "gate_failed"


def test_the_bundle_verifies_and_draws(int8: Exported, tmp_path: Path):
    done = command(int8.folder, "verify.py")
    assert done.returncode == 0, done.stdout
    image = tmp_path / "large.png"
    Image.open(int8.folder / "golden" / "image.png").resize((200, 120)).save(image)
    (tmp_path / "bad.png").write_text("no image")
    done = command(int8.folder, "infer.py", image, tmp_path / "bad.png", "--draw", tmp_path / "drawn")
    assert done.returncode == 1
    assert "bad.png" in done.stderr
    [said] = map(json.loads, done.stdout.splitlines())
    assert sum(one["share"] for one in said["classes"]) == pytest.approx(1)
    assert said["classes"][0]["label"] == "background"
    with Image.open(said["drawn"]) as drawn, Image.open(image) as plain:
        assert drawn.size == plain.size
        assert not np.array_equal(np.asarray(drawn), np.asarray(plain.convert("RGB")))
