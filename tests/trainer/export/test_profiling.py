"""An exported file measured again from its bundle alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from contract.results.exported import ProfileResult
from tests.trainer.export.conftest import Exported, Trained
from trainer.export import profiling


@pytest.fixture
def out(trained: Trained, tmp_path: Path) -> Path:
    """What a worker puts there: the evaluation, and no weights."""
    (tmp_path / "out" / "main").mkdir(parents=True)
    shutil.copy(trained.out / "main" / "evaluation.json", tmp_path / "out" / "main")
    return tmp_path / "out"


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_file_does_again_what_was_measured_when_it_was_made(
    request: pytest.FixtureRequest, trained: Trained, out: Path, precision: str
):
    exported: Exported = request.getfixturevalue(precision)
    messages = list(profiling.run(trained.spec, pack=trained.pack, bundle=exported.archive, out=out))
    assert messages[-1].files == {"profile": "profile.json"}
    measured = ProfileResult.model_validate_json((out / "profile.json").read_bytes()).measured
    before = exported.result.measured
    for name in ("top1_accuracy", "drop_points", "samples", "cpu", "runtime", "threads"):
        assert measured[name] == before[name], name
    assert measured["nll"] == pytest.approx(before["nll"])
    assert (measured["golden_holds"], measured["golden_max_difference"]) == (True, 0)
    assert 0 < measured["latency_ms_p50"] <= measured["latency_ms_p99"]
    assert sorted(path.name for path in out.iterdir()) == ["main", "profile.json"]


def test_machine_that_computes_something_else_is_told_by_the_golden_output(
    trained: Trained, int8: Exported, out: Path, tmp_path: Path
):
    folder = Path(shutil.copytree(int8.folder, tmp_path / "bundle"))
    golden = np.load(folder / "golden" / "output.npy")
    np.save(folder / "golden" / "output.npy", golden + golden.std())
    bundle = Path(shutil.make_archive(str(tmp_path / "other"), "zip", folder))
    list(profiling.run(trained.spec, pack=trained.pack, bundle=bundle, out=out))
    measured = json.loads((out / "profile.json").read_bytes())["measured"]
    assert not measured["golden_holds"]
    assert measured["golden_mean_difference"] > 0


def test_verb_is_run_as_the_worker_runs_it(trained: Trained, int8: Exported, out: Path, tmp_path: Path):
    (tmp_path / "spec.json").write_text(trained.spec.model_dump_json())
    command = [sys.executable, "-m", "trainer", "profile", str(tmp_path / "spec.json")]
    options = ["--pack", str(trained.out.parent / "pack"), "--out", str(out), "--bundle", str(int8.archive)]
    done = subprocess.run([*command, *options], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1] == {"type": "done", "files": {"profile": "profile.json"}}
    assert (out / "profile.json").is_file()
