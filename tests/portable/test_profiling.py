"""`python -m portable.profiling`: what a device measures, without torch and without the bundle's own programs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.patchswap.device.bundles import bundle

ROOT = Path(__file__).parents[2]


def start(content: bytes, folder: Path) -> subprocess.Popen[str]:
    """With a stdin that stays open, and nothing in the environment but where the code is."""
    path = folder / "bundle.zip"
    path.write_bytes(content)
    command = [sys.executable, "-P", "-m", "portable.profiling", str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd="/", env={"PYTHONPATH": str(ROOT)}, text=True, **pipes)


def profile(content: bytes, folder: Path) -> dict:
    with start(content, folder) as process:
        said = process.stdout.read()
        assert process.wait(60) == 0, process.stderr.read()
    return json.loads(said)


@pytest.mark.parametrize("wrong", [False, True])
def test_file_is_timed_and_held_against_its_golden_output(tmp_path: Path, wrong: bool):
    measured = profile(bundle(wrong=wrong), tmp_path)["measured"]
    assert measured["golden_holds"] is not wrong
    assert measured["golden_max_difference"] == pytest.approx(1.0 if wrong else 0.0, abs=1e-4)
    assert 0 < measured["latency_ms_p50"] <= measured["latency_ms_p99"]
    assert measured["runtime"].startswith("onnxruntime ")
    assert measured["peak_rss_bytes"] is None or measured["peak_rss_bytes"] > 10_000_000


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"no zip", "damaged_bundle"),
        (bundle(format="tensorrt"), "unknown_format"),
        (bundle(format="../../evil"), "unknown_format"),
        (bundle(format="coreml"), "missing_dependency"),
        (bundle(golden={"output_tolerance": {"other": {"mean": 1, "max": 1}}}), "runtime_failed"),
    ],
)
def test_what_cannot_be_measured_is_named(tmp_path: Path, content: bytes, code: str):
    error = profile(content, tmp_path)["error"]
    assert (error["code"], bool(error["message"])) == (code, True)


def test_it_ends_with_the_process_that_started_it(tmp_path: Path):
    process = start(bundle(size_px=224, filters=64), tmp_path)
    time.sleep(1)
    assert process.stdin
    process.stdin.close()
    assert process.wait(10) == 1
