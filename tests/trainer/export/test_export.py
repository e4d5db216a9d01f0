"""The way from trained weights to a measured bundle, as the worker and a person start it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import onnx
import pytest
import torch

from contract.child import messages as progress
from contract.specs import Constraints, ExportSpec
from tests.trainer.export import made
from tests.trainer.export.conftest import Exported, Trained, run_export, unpack
from trainer import export, models
from trainer.errors import TrainerError
from trainer.export.formats import conversion

FILES = {
    "model.onnx",
    "labels.json",
    "preprocess.json",
    "metrics.json",
    "model_card.md",
    "README.md",
    "manifest.json",
    "golden/image.png",
    "golden/input.npy",
    "golden/output.npy",
    "report.html",
    "build_engine.py",
    "infer.py",
    "postprocess.py",
    "preprocess.py",
    "runtime.py",
    "weights.py",
    "verify.py",
}
DIFFER_BY_LATENCY = {"metrics.json", "model_card.md", "manifest.json"}


def test_bundle_holds_the_agreed_files_and_its_result_names_its_hash(int8: Exported) -> None:
    with zipfile.ZipFile(int8.archive) as archive:
        assert set(archive.namelist()) == FILES
    assert int8.result.sha256 == hashlib.sha256(int8.archive.read_bytes()).hexdigest()
    assert int8.result.bytes == int8.archive.stat().st_size
    assert int8.result.status == "succeeded"
    assert int8.messages[-1].type == "done"
    assert all(message.type == "working" for message in int8.messages[:-1])


def test_metrics_are_those_of_the_result_and_name_every_class(int8: Exported) -> None:
    metrics = json.loads((int8.folder / "metrics.json").read_bytes())
    assert int8.result.measured == {name: metrics[name] for name in int8.result.measured}
    assert [row["name"] for row in metrics["per_class"]] == [str(k) for k in range(10)]


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_file_is_of_the_oldest_versions_and_the_bundle_says_what_opens_it(
    request: pytest.FixtureRequest, precision: str
) -> None:
    exported: Exported = request.getfixturevalue(precision)
    proto = onnx.load(exported.folder / "model.onnx")
    assert (proto.ir_version, [(wanted.domain, wanted.version) for wanted in proto.opset_import]) == (8, [("", 18)])
    requires = json.loads((exported.folder / "manifest.json").read_bytes())["requires"]
    packages = ["onnxruntime>=1.14", "numpy>=1.21", "Pillow>=9.1"]
    assert requires == {"python": ">=3.8", "packages": packages, "opset": 18, "ir_version": 8}
    assert "onnxruntime>=1.14; opset 18, IR version 8" in (exported.folder / "model_card.md").read_text()
    readme = (exported.folder / "README.md").read_text()
    assert 'pip install "onnxruntime>=1.14" "numpy>=1.21" "Pillow>=9.1"' in readme
    assert exported.result.measured["requires"] == {"runtime": "onnxruntime>=1.14", "opset": 18, "ir_version": 8}


def test_file_is_of_the_opset_that_was_asked_for_beside_one_of_the_oldest(
    fp32: Exported, trained: Trained, tmp_path: Path
) -> None:
    """Their converted networks are kept apart: the second would else be the first's."""
    newer = run_export(trained, ExportSpec(opset=21), tmp_path)
    proto = onnx.load(newer.folder / "model.onnx")
    assert (proto.ir_version, conversion.opset_of(proto)) == (10, 21)
    assert newer.result.measured["requires"]["runtime"] == "onnxruntime>=1.18"
    assert newer.result.measured["trained_max_difference"] < 1e-3
    assert newer.result.measured["weights"] == fp32.result.measured["weights"]


def test_fp32_file_says_what_the_trained_network_says(fp32: Exported) -> None:
    measured = fp32.result.measured
    assert measured["trained_agreement"] == 1.0
    assert measured["trained_max_difference"] < 1e-3
    assert measured["drop_points"] == pytest.approx(0, abs=1e-9)
    assert measured["weights"].keys() == {"float32"}


def test_int8_file_is_small_close_to_fp32_and_timed_in_turns_with_it(int8: Exported) -> None:
    measured = int8.result.measured
    assert measured["fp32_agreement"] > 0.95
    assert measured["bytes_ratio"] < 0.3
    assert measured["model_bytes"] == (int8.folder / "model.onnx").stat().st_size
    assert measured["drop_points"] == pytest.approx(
        100 * (measured["trained_top1_accuracy"] - measured["top1_accuracy"])
    )
    for name in ("latency_ms_p50", "fp32_latency_ms_p50", "peak_rss_bytes", "nll", "ece", "parameters"):
        assert measured[name] > 0
    assert measured["latency_ms_p50"] <= measured["latency_ms_p90"] <= measured["latency_ms_p99"]


def test_fp16_file_is_half_as_large_and_says_what_fp32_says(fp16: Exported) -> None:
    measured = fp16.result.measured
    assert measured["fp32_agreement"] == 1.0
    assert measured["weights"].keys() == {"float16"}
    assert 0.5 < measured["bytes_ratio"] < 0.6
    assert measured["fp32_latency_ms_p50"] > 0
    assert "ONNX fp16" in (fp16.folder / "model_card.md").read_text()


def test_card_compares_with_the_control_and_claims_no_licence(int8: Exported) -> None:
    card = (int8.folder / "model_card.md").read_text()
    assert "baseline (cross_entropy) | 50.00" in card
    assert "| train | 700 |" in card
    assert "6,720 images seen" in card
    assert f"{100 * int8.result.measured['top1_accuracy']:.2f}" in card
    assert "No licence was stated" in card


def test_card_without_control_says_that_the_method_was_not_compared(fp32: Exported, trained: Trained) -> None:
    assert "baseline (cross_entropy)" in (fp32.folder / "model_card.md").read_text()
    alone = Trained(trained.spec, trained.pack, fp32.archive.parent / "alone")
    shutil.copytree(trained.out / "main", alone.out / "main")
    exported = run_export(alone, ExportSpec(), fp32.archive.parent / "alone" / "export")
    assert "No baseline was trained" in (exported.folder / "model_card.md").read_text()


def test_constraints_that_do_not_hold_fail_the_gate_and_leave_the_bundle(trained: Trained, tmp_path: Path) -> None:
    constraints = Constraints(max_drop_points=0.0, max_bytes=1000, max_latency_ms=1e-6)
    better = Trained(trained.spec, trained.pack, tmp_path / "out")
    shutil.copytree(trained.out / "main", better.out / "main")
    stated = _trained_top1(trained) + 0.02
    made.state_evaluation(better.out, arm="main", top1_accuracy=stated, taken_from=trained.out)
    exported = run_export(better, ExportSpec(precision="fp32", constraints=constraints), tmp_path / "export")
    assert exported.result.status == "gate_failed"
    accuracy, size, latency = exported.result.violations
    assert "2.00 points of top-1 accuracy below" in accuracy
    assert "1,000 are allowed" in size
    assert "median latency" in latency
    assert "Gate failed" in (exported.folder / "model_card.md").read_text()
    assert exported.messages[-1].type == "done"


@pytest.mark.slow
def test_same_export_in_another_process_gives_the_same_bytes_but_for_latency(
    int8: Exported, trained: Trained, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(trained.out, out, ignore=shutil.ignore_patterns("fp32-*"))
    done = _command(trained, out, tmp_path, precision="int8", environment={"PYTHONHASHSEED": "7"})
    assert done.returncode == progress.EXIT_DONE, done.stderr
    messages = [progress.decode(line) for line in done.stdout.splitlines()]
    again = unpack(out / messages[-1].files["bundle"].removesuffix("bundle.zip"), messages)
    for name in FILES - DIFFER_BY_LATENCY:
        assert (int8.folder / name).read_bytes() == (again.folder / name).read_bytes(), name
    with zipfile.ZipFile(int8.archive) as one, zipfile.ZipFile(again.archive) as other:
        described = [
            [(e.filename, e.date_time, e.external_attr, e.compress_type) for e in z.infolist()] for z in (one, other)
        ]
    assert described[0] == described[1]


def test_nothing_of_this_machine_is_in_the_bundle(int8: Exported) -> None:
    for path in int8.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"site-packages" not in content, path.name
            assert os.fsencode(Path(__file__).parents[3]) not in content, path.name


def test_export_without_weights_or_evaluation_is_refused_by_name(trained: Trained, tmp_path: Path) -> None:
    done = _command(trained, tmp_path / "empty", tmp_path, precision="fp32")
    assert done.returncode == progress.EXIT_FAILED
    assert progress.decode(done.stdout).error.code == "weights_missing"
    (tmp_path / "out" / "main").mkdir(parents=True)
    shutil.copy(trained.out / "main" / "model.safetensors", tmp_path / "out" / "main")
    with pytest.raises(TrainerError) as raised:
        run_export(Trained(trained.spec, trained.pack, tmp_path / "out"), ExportSpec(), tmp_path / "export")
    assert raised.value.error.code == "evaluation_missing"


def test_file_that_is_not_the_trained_network_is_refused(trained: Trained, tmp_path: Path) -> None:
    """The kept fp32 file belongs to another network, as after a fault of the converter."""
    out = tmp_path / "out"
    shutil.copytree(trained.out, out, ignore=shutil.ignore_patterns("fp32-*"))  # of other opsets
    list(export.run(trained.spec, pack=trained.pack, export=ExportSpec(), out=out, folder=tmp_path / "export"))
    (kept,) = (out / "main").glob("fp32-onnx-*")
    torch.manual_seed(1)
    stranger = models.build(trained.spec.model, num_classes=10, channels=1).eval()
    conversion.convert(stranger, image_shape=(1, 8, 8), path=kept / "model.onnx")
    with pytest.raises(TrainerError) as raised:
        run_export(Trained(trained.spec, trained.pack, out), ExportSpec(), tmp_path / "export")
    assert raised.value.error.code == "export_failed"
    assert raised.value.error.category == "platform"


def _trained_top1(trained: Trained) -> float:
    evaluation = json.loads((trained.out / "main" / "evaluation.json").read_bytes())
    return evaluation["splits"]["test"]["top1_accuracy"]


def _command(
    trained: Trained, out: Path, folder: Path, *, precision: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    (folder / "spec.json").write_text(trained.spec.model_dump_json())
    command = [sys.executable, "-m", "trainer", "export", folder / "spec.json", "--precision", precision]
    command += ["--pack", trained.out.parent / "pack", "--out", out]
    variables = os.environ | (environment or {})
    return subprocess.run(command, check=False, capture_output=True, text=True, env=variables)
