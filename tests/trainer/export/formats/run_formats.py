"""Each format beside ONNX, from trained networks to bundles that its own runtime runs: `make test-formats`.

Not collected by `make test`: the formats' packages are not part of `make install`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from contract.formats import FORMATS, FormatName
from contract.specs import Constraints, ExportSpec
from tests.trainer.export.conftest import Exported, Trained, run_export

CASES = [(name, precision) for name, terms in FORMATS.items() if name != "onnx" for precision in terms.precisions]
pytestmark = pytest.mark.timeout(1200)  # half a minute of processor time each, and whoever tests may share it
NEVER_RUN = "coreml"
STORED = {"fp32": "float32", "fp16": "float16", "int8": "int8"}
LARGEST_SHARE = {"fp16": 0.6, "int8": 0.4}  # the XML of OpenVINO weighs heavily beside a network of 270,000 weights


class Made(dict):
    """Exports of a network, each made when first asked for."""

    def __init__(self, trained: Trained, folders: pytest.TempPathFactory) -> None:
        super().__init__()
        self._trained, self._folders = trained, folders

    def __missing__(self, case: tuple[FormatName, str]) -> Exported:
        asked = ExportSpec(format=case[0], precision=case[1])
        self[case] = run_export(self._trained, asked, self._folders.mktemp("-".join(case)))
        return self[case]


@pytest.fixture(scope="module")
def exports(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(trained, tmp_path_factory)


@pytest.fixture(scope="module")
def exports_of_masks(trained_on_masks: Trained, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(trained_on_masks, tmp_path_factory)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_file_is_as_small_as_its_precision_and_stores_what_it_says(exports: dict, case: tuple[str, str]) -> None:
    measured = exports[case].result.measured
    assert exports[case].result.status == "succeeded"
    assert STORED[case[1]] in measured["weights"]
    assert measured["weights"][STORED[case[1]]] > 200_000
    assert measured["macs"] > 0
    if case[1] in LARGEST_SHARE:
        assert measured["bytes_ratio"] < LARGEST_SHARE[case[1]]


@pytest.mark.parametrize("case", [case for case in CASES if case[0] != NEVER_RUN], ids="-".join)
def test_file_was_run_agrees_and_proves_itself(exports: dict, case: tuple[str, str]) -> None:
    exported = exports[case]
    measured = exported.result.measured
    assert measured["run_here"]
    assert measured["trained_agreement"] > (0.95 if case[1] == "int8" else 0.999)
    assert abs(measured["drop_points"]) < 2
    assert 0 < measured["latency_ms_p50"] <= measured["latency_ms_p99"]
    assert measured["peak_rss_bytes"] > 0
    golden, labels, said = proven(exported.folder, "--top", "10")
    assert said["label"] == labels[golden.argmax()]


@pytest.mark.parametrize("case", [case for case in CASES if case[0] != NEVER_RUN], ids="-".join)
def test_masks_are_those_of_the_network_and_prove_themselves(
    exports_of_masks: Made, case: tuple[FormatName, str]
) -> None:
    exported = exports_of_masks[case]
    measured = exported.result.measured
    assert exported.result.status == "succeeded"
    assert measured["weights"].keys() == {STORED[case[1]]}
    assert measured["mean_iou"] > 0.6
    assert measured["trained_agreement"] > (0.98 if case[1] == "int8" else 0.999)  # of pixels
    assert abs(measured["drop_points"]) < (2 if case[1] == "int8" else 0.1)
    if case[1] in LARGEST_SHARE:
        assert measured["bytes_ratio"] < LARGEST_SHARE[case[1]]
    golden, labels, said = proven(exported.folder)
    share = {one["label"]: one["share"] for one in said["classes"]}
    shown = np.bincount(golden.argmax(axis=0).reshape(-1), minlength=len(labels)) / golden[0].size
    expected = {label: each for label, each in zip(labels, shown.tolist(), strict=True) if each}
    assert share == pytest.approx(expected, abs=1e-3)  # of one image, not of a batch: a pixel may fall otherwise


@pytest.mark.parametrize("precision", FORMATS[NEVER_RUN].precisions, ids=lambda name: f"{NEVER_RUN}-{name}")
def test_masks_are_written_where_nobody_runs_them(exports_of_masks: Made, precision: str) -> None:
    exported = exports_of_masks[NEVER_RUN, precision]
    assert exported.result.status == "succeeded"
    assert exported.result.measured["run_here"] is False
    assert exported.result.measured["weights"][STORED[precision]] > 3_000_000
    assert "mean_iou" not in exported.result.measured


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_nothing_of_this_machine_is_in_the_bundle(exports: dict, case: tuple[str, str]) -> None:
    for path in exports[case].folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"site-packages" not in content, path.name
            assert os.fsencode(Path(__file__).parents[4]) not in content, path.name


@pytest.mark.parametrize("case", [case for case in CASES if case[1] != "fp32" and case[0] != NEVER_RUN], ids="-".join)
def test_larger_file_in_a_smaller_ones_place_is_found(exports: dict, case: tuple[str, str], tmp_path: Path) -> None:
    """As when a converter kept fp32 weights under another name."""
    from portable.weights import weights_by_dtype  # noqa: PLC0415

    assert weights_by_dtype(exports[case].folder) == exports[case].result.measured["weights"]
    assert STORED[case[1]] not in weights_by_dtype(exports[case[0], "fp32"].folder)


@pytest.mark.parametrize("precision", FORMATS[NEVER_RUN].precisions, ids=lambda name: f"{NEVER_RUN}-{name}")
def test_file_that_was_never_run_says_so_and_claims_nothing(exports: dict, precision: str) -> None:
    exported = exports[NEVER_RUN, precision]
    measured = exported.result.measured
    assert measured["run_here"] is False
    assert not measured.keys() & {"top1_accuracy", "drop_points", "latency_ms_p50", "ece", "peak_rss_bytes"}
    assert "**This file was not run**" in (exported.folder / "model_card.md").read_text()
    manifest = json.loads((exported.folder / "manifest.json").read_bytes())
    assert "was not measured" in manifest["golden"]["reason"]


def test_constraint_that_nobody_could_look_at_fails_the_gate_of_coreml(trained: Trained, tmp_path: Path) -> None:
    asked = ExportSpec(format=NEVER_RUN, constraints=Constraints(max_drop_points=1.0, max_bytes=10**9))
    exported = run_export(trained, asked, tmp_path)
    assert exported.result.status == "gate_failed"
    assert "max_drop_points could not be looked at" in exported.result.violations[0]


def proven(folder: Path, *options: str) -> tuple[np.ndarray, list[str], dict]:
    """The golden output and the labels of a bundle whose verify.py holds, and what its infer.py says of the image."""
    verified = command(folder, "verify.py")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    inferred = command(folder, "infer.py", folder / "golden" / "image.png", *options)
    assert inferred.returncode == 0, inferred.stderr
    golden = np.load(folder / "golden" / "output.npy")[0]
    return golden, json.loads((folder / "labels.json").read_bytes()), json.loads(inferred.stdout)


def command(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", *arguments], check=False, capture_output=True, text=True, cwd=folder
    )
