"""`bench/service.py` runs to its end and prints every figure. How good they are is not a test's business."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, ROOT / "bench" / "service.py"]
MEASURES = (
    "a job of 1 epochs through the service",
    "bare ping by 32 clients",
    "GET /v1/jobs/{id}, body, one job",
    "GET /v1/jobs/{id}, body, 32 jobs",
    "GET /v1/jobs/{id}, 304, one job",
    "GET /v1/jobs/{id}, 304, 32 jobs",
    "upload of 20 MB against cp",
    "download of 20 MB against cp",
    "growth of the api's memory in an upload",
    "100 thumbnails from S3 by 6 connections",
    "claim and commit",
    "job page",
    "newest metric",
    "plans at 1,000 jobs",
    "metrics.record_all",
    "ledger.record",
    "wait of a tenant's one job behind a thousand",
    "claim and commit behind a thousand queued jobs",
)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_quick_run_prints_every_figure(tmp_path: Path) -> None:
    raw = tmp_path / "figures.json"
    done = subprocess.run([*COMMAND, "--quick", "--json", raw], check=True, capture_output=True, text=True)
    printed = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    for measure in MEASURES:
        assert any(line.startswith(f"| {measure}") for line in printed), measure
    written = json.loads(raw.read_text())
    assert written["quick"] is True
    assert len(written["figures"]) == len(printed) - 1  # all but the table's head
    assert all(figure["met"] in (True, False, None) for figure in written["figures"])


def test_a_name_that_no_measurement_has_is_refused() -> None:
    done = subprocess.run([*COMMAND, "upload"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no measurement is called upload" in done.stderr
