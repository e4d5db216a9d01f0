"""A detector becomes a verified bundle of boxes and scores, which infer.py chooses among, says and draws."""

from __future__ import annotations

import hashlib
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

from contract.results.exported import ProfileResult
from contract.specs import Constraints, ExportSpec, LadderSpec, ModelSpec
from tests.trainer.export.conftest import Exported, Trained, run_export
from tests.trainer.tasks.detection.made import SIDE
from trainer.export import profiling
from trainer.export.formats import conversion, half_weights, quantization
from trainer.export.inputs import Calibration
from trainer.tasks.detection import network, task

pytestmark = pytest.mark.timeout(900)  # the first of them trains


def command(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False
    )


def decided(boxes_A4: list, scores_AK: list) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([boxes_A4], dtype=torch.float32), torch.tensor([scores_AK], dtype=torch.float32)


def test_two_say_alike_where_either_is_sure_and_the_other_finds_it_too() -> None:
    there, elsewhere, near = [10, 10, 30, 30], [40, 40, 60, 60], [11, 10, 31, 30]
    mine = decided([there, elsewhere], [[0.9, 0.0], [0.8, 0.0]])
    assert task.same(mine, mine).tolist() == [True] * 4
    assert task.same(mine, decided([near, elsewhere], [[0.5, 0.0], [0.2, 0.0]])).tolist() == [True, False, True]
    assert task.same(mine, decided([there, elsewhere], [[0.0, 0.9], [0.8, 0.0]])).tolist() == [False, True] * 2
    nothing = decided([there], [[0.1, 0.0]])
    assert task.same(nothing, nothing).tolist() == []


def untrained(architecture: str) -> network.Decoding:
    """With maps of some size, which batch norms that saw nothing would make nearly equal."""
    torch.manual_seed(0)
    spec = ModelSpec(architecture=architecture, stem="imagenet")
    net = network.build(spec, num_classes=4, channels=3, size=(64, 96))
    with torch.no_grad():
        net.train()(torch.randn(8, 3, 64, 96))
    return network.Decoding(net.eval())


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture", ["ssdlite320_mobilenet_v3_large", "retinanet_resnet18_fpn", "fcos_resnet18_fpn"]
)
def test_files_say_what_the_network_says(architecture: str, tmp_path: Path) -> None:
    net, images = untrained(architecture), torch.randn(3, 3, 64, 96)
    fp32, fp16, int8 = (tmp_path / f"{name}.onnx" for name in ("fp32", "fp16", "int8"))
    conversion.convert(net, image_shape=(3, 64, 96), outputs=tuple(task.OUTPUTS), path=fp32)
    with torch.no_grad():
        expected = [output.numpy() for output in net(images)]
    for found, exact in zip(run(fp32, images), expected, strict=True):
        np.testing.assert_allclose(found, exact, atol=1e-3 * exact.std())
    half_weights.halve(fp32, fp16)
    for found, exact in zip(run(fp16, images), expected, strict=True):
        assert np.abs(found - exact).mean() < 0.01 * exact.std()  # anchors of 16 bits would be off by more
    quantization.quantize(fp32, int8, Calibration(iter([torch.randn(8, 3, 64, 96).numpy()]), 1))
    assert int8.stat().st_size < 0.35 * fp32.stat().st_size
    boxes, _ = run(int8, images)
    assert np.abs(boxes - expected[0]).mean() < 0.1 * expected[0].std()
    assert len(np.unique(boxes)) > 256  # more than 8 bits could say: decoding stays in fp32


def run(path: Path, images: torch.Tensor) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(path).run(None, {"image": images.numpy()})


@pytest.fixture(scope="module")
def trained(trained_on_boxes: Trained) -> Trained:
    return trained_on_boxes


@pytest.fixture(scope="module")
def int8(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    asked = ExportSpec(precision="int8", constraints=Constraints(max_drop_points=5))
    return run_export(trained, asked, tmp_path_factory.mktemp("int8"))


@pytest.mark.slow
def test_the_file_is_measured_by_average_precision(int8: Exported) -> None:
    measured = int8.result.measured
    assert int8.result.status == "succeeded", int8.result.violations
    assert measured["ap50"] > 0.5
    assert measured["drop_points"] == pytest.approx(100 * (measured["trained_ap"] - measured["ap"]))
    assert measured["bytes_ratio"] < 0.3
    assert measured["fp32_agreement"] > 0.9  # of sure boxes
    card = (int8.folder / "model_card.md").read_text()
    assert f"| this file | {100 * measured['ap']:.2f} |" in card
    assert "AP %" in card


@pytest.mark.slow
def test_the_gate_is_of_average_precision(trained: Trained, int8: Exported, tmp_path: Path) -> None:
    better = trained.out / "main" / "evaluation.json"
    whole = better.read_bytes()
    stated = json.loads(whole)
    stated["splits"]["test"]["ap"] = int8.result.measured["ap"] + 0.061
    better.write_text(json.dumps(stated))
    try:
        only = LadderSpec(rungs=("int8",))
        asked = ExportSpec(precision="int8", constraints=Constraints(max_drop_points=5), ladder=only)
        result = run_export(trained, asked, tmp_path).result
    finally:
        better.write_bytes(whole)
    assert result.status == "gate_failed"
    assert result.violations[0].startswith("The file is 6.10 points of AP below the trained network (95 % interval ")
    assert result.violations[0].endswith("; 5 are allowed.")


@pytest.mark.slow
def test_the_bundle_verifies_and_draws(int8: Exported, tmp_path: Path) -> None:
    done = command(int8.folder, "verify.py")
    assert done.returncode == 0, done.stdout
    assert "boxes: mean difference" in done.stdout
    image = tmp_path / "large.png"
    Image.open(int8.folder / "golden" / "image.png").resize((200, 120)).save(image)
    asked = ("infer.py", image, "--threshold", "0.2", "--draw", tmp_path / "drawn")
    done = command(int8.folder, *asked)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["detections"]
    assert all(found["score"] >= 0.2 and found["label"] in "AGKS" for found in said["detections"])
    right, bottom = np.array([found["box"] for found in said["detections"]])[:, 2:].max(axis=0)
    assert SIDE < right <= 200  # in pixels of the image, not of the network
    assert bottom <= 120
    with Image.open(said["drawn"]) as drawn, Image.open(image) as plain:
        assert drawn.size == plain.size
        assert not np.array_equal(np.asarray(drawn), np.asarray(plain.convert("RGB")))


@pytest.mark.slow
def test_moved_golden_boxes_are_found(int8: Exported, trained: Trained, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(int8.folder, tmp_path / "bundle"))
    (tmp_path / "out").mkdir()
    shutil.copytree(trained.out / "main", tmp_path / "out" / "main")

    def profiled() -> dict:
        bundle = Path(shutil.make_archive(str(tmp_path / "again"), "zip", folder))
        list(profiling.run(trained.spec, pack=trained.pack, bundle=bundle, out=tmp_path / "out"))
        return ProfileResult.model_validate_json((tmp_path / "out" / "profile.json").read_bytes()).measured

    before = profiled()
    assert (before["golden_holds"], before["golden_scores_max_difference"]) == (True, 0)
    assert before["ap"] == int8.result.measured["ap"]
    golden = np.load(folder / "golden" / "boxes.npy")
    np.save(folder / "golden" / "boxes.npy", golden + golden.std())
    after = profiled()
    assert not after["golden_holds"]
    assert after["golden_scores_max_difference"] == 0 < after["golden_boxes_mean_difference"]


@pytest.mark.slow
@pytest.mark.parametrize("name", task.OUTPUTS)
def test_verify_finds_an_output_that_is_given_otherwise(name: str, int8: Exported, tmp_path: Path) -> None:
    """By twice what is allowed, of either output: the tolerance of one is not that of the other."""
    folder = Path(shutil.copytree(int8.folder, tmp_path / "bundle"))
    manifest, moved = json.loads((folder / "manifest.json").read_bytes()), folder / "golden" / f"{name}.npy"
    np.save(moved, np.load(moved) + 2 * manifest["golden"]["output_tolerance"][name]["mean"])
    manifest["files"][f"golden/{name}.npy"]["sha256"] = hashlib.sha256(moved.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    done = command(folder, "verify.py")
    assert done.returncode == 1
    assert "FAIL output: mean difference" in done.stdout
