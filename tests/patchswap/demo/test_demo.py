"""The whole demo, as a newcomer runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "patchswap.demo"]


@pytest.fixture
def variables() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PATCHSWAP_")}
    return kept | {"PYTHONPATH": str(ROOT)}


def services(folder: Path) -> list[int]:
    """Processes of a service whose demo ran in this folder."""
    return [
        process.info["pid"]
        for process in psutil.process_iter(["pid", "cmdline", "cwd"])
        if process.info["cwd"] == str(folder) and "up" in (process.info["cmdline"] or [])
    ]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_it_ends_with_a_table_checked_bundles_and_nothing_running(tmp_path: Path, variables: dict[str, str]):
    done = subprocess.run(COMMAND, check=False, capture_output=True, text=True, cwd=tmp_path, env=variables)
    assert done.returncode == 0, done.stdout + done.stderr
    for expected in ("control (cross-entropy)  mean", "patch swap               mean", "ONNX fp32", "ONNX int8"):
        assert expected in done.stdout
    assert "10 training images a class, 1,597 test images" in " ".join(done.stdout.split())
    assert "won: " in done.stdout or "No winner: " in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert services(tmp_path) == []
    for precision in ("fp32", "int8"):
        assert (tmp_path / ".demo" / f"digits-{precision}" / "model.onnx").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_leaves_nothing_running_when_it_is_stopped(tmp_path: Path, variables: dict[str, str], how: signal.Signals):
    demo = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=variables)
    assert demo.stdout is not None
    for line in demo.stdout:
        if "uploading" in line:
            break
    assert services(tmp_path) != []
    demo.send_signal(how)
    assert demo.wait(150) == 130
    deadline = time.monotonic() + 10
    while services(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert services(tmp_path) == []
