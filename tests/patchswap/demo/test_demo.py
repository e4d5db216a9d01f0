"""The whole demo, as a newcomer runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nowhere"], "There is no folder nowhere."), (["my", "photos"], "Name one folder; you named 2.")],
)
def test_a_folder_that_cannot_be_meant_is_refused_before_anything_starts(
    tmp_path: Path, variables: dict[str, str], arguments: list[str], said: str
):
    command = [*COMMAND, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, env=variables)
    assert (done.returncode, said in done.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_folder_of_ones_own_ends_with_a_table_of_it_and_a_picture_of_it_to_try(
    tmp_path: Path, variables: dict[str, str]
):
    random = np.random.default_rng(0)
    for label, shade in (("dark", 40), ("grey", 120), ("light", 200)):
        (tmp_path / "my shades" / label).mkdir(parents=True)
        for number in range(12):
            pixels = np.clip(random.normal(shade, 20, (96, 96, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "my shades" / label / f"{number}.jpg")
    done = subprocess.run(
        [*COMMAND, "my shades"], check=False, capture_output=True, text=True, cwd=tmp_path, env=variables
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for expected in ("36 images of 3 classes", "trained network", "ONNX fp32", "ONNX int8", "photos-report.html"):
        assert expected in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("run the model:")]
    tried = subprocess.run(
        line.removeprefix("run the model:").strip(),
        check=False,
        shell=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert json.loads(tried.stdout)["label"] in ("dark", "grey", "light"), tried.stderr
    assert services(tmp_path) == []
