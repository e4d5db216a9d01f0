"""A segmentation network becomes a verified int8 bundle that says and draws what a picture shows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from contract.files import WEIGHTS
from contract.pack.manifest import Split
from contract.specs import Constraints, ExportSpec, LadderSpec
from tests.trainer.export.conftest import Exported, Trained, run_export, train_on_masks
from trainer.data.pack import Pack
from trainer.export import inputs
from trainer.training import weights

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # the first of them trains


@pytest.fixture(scope="module")
def trained(trained_on_masks: Trained) -> Trained:
    return trained_on_masks


@pytest.fixture(scope="module")
def pack(trained: Trained) -> Pack:
    return trained.pack


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


def test_the_gate_is_of_mean_iou(trained: Trained, int8: Exported, tmp_path: Path):
    shutil.copytree(trained.out, tmp_path / "stated")
    better = tmp_path / "stated" / "main" / "evaluation.json"
    stated = json.loads(better.read_bytes())
    stated["splits"]["test"]["mean_iou"] = int8.result.measured["mean_iou"] + 0.061
    better.write_text(json.dumps(stated))
    only = LadderSpec(rungs=("int8",))
    asked = ExportSpec(precision="int8", constraints=Constraints(max_drop_points=5), ladder=only)
    (tmp_path / "again").mkdir()
    result = run_export(Trained(trained.spec, trained.pack, tmp_path / "stated"), asked, tmp_path / "again").result
    assert result.status == "gate_failed"
    assert result.violations[0].startswith("The file is 6.10 points of mIoU below the trained network (95 % interval ")
    assert result.violations[0].endswith("; 5 are allowed.")


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


@pytest.mark.parametrize(("architecture", "epochs"), [("deeplabv3_mobilenet_v3_large", 12), ("fcn_resnet50", 4)])
def test_files_of_other_networks_say_what_the_network_says(architecture: str, epochs: int, pack: Pack, tmp_path: Path):
    """Trained until they see something beside the background."""
    trained = train_on_masks(
        pack, tmp_path / "out", epochs=epochs, pairs_per_batch=4, architecture=architecture, stem="imagenet"
    )
    net = weights.load_model(trained.spec, pack.manifest, trained.out / "main" / WEIGHTS)
    images = next(inputs.batches(trained.spec, pack, pack.rows(Split.TEST), size=12))
    with torch.no_grad():
        exact = net(torch.from_numpy(images)).numpy()
    spread = exact.std()
    fp32, fp32_bytes = logits_of(trained, "fp32", images, tmp_path / "fp32")
    int8, int8_bytes = logits_of(trained, "int8", images, tmp_path / "int8")
    assert len(np.unique(exact.argmax(axis=1))) > 1
    np.testing.assert_allclose(fp32, exact, atol=1e-3 * spread)
    assert np.abs(int8 - exact).mean() < 0.1 * spread
    assert (int8.argmax(axis=1) == exact.argmax(axis=1)).mean() > 0.95
    assert int8_bytes < 0.3 * fp32_bytes


def logits_of(trained: Trained, precision: str, images: np.ndarray, folder: Path) -> tuple[np.ndarray, int]:
    """What the file of a bundle that verifies gives for these images, and its size."""
    folder.mkdir()
    exported = run_export(trained, ExportSpec(precision=precision, constraints=Constraints(max_drop_points=5)), folder)
    assert exported.result.status == "succeeded", exported.result.violations
    assert (done := command(exported.folder, "verify.py")).returncode == 0, done.stdout
    file = exported.folder / "model.onnx"
    [logits] = onnxruntime.InferenceSession(file).run(None, {"image": images})
    return logits, file.stat().st_size
