"""The nemesis itself works: one run of one fault, as `make nemesis` starts it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_one_killed_trainer_is_survived_and_told(tmp_path):
    command = [sys.executable, "-m", "tests.nemesis", "--n", "1", "--production", "0", "--faults", "F1"]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path)], check=False, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run, store = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert run["fired"]
    assert (run["violations"], run["resumed"], run["bitwise"], run["published"]) == ([], 1, 1, 1)
    assert store["violations"] == []
    assert "| violations of I1-I12, or of what a fault asks | **0** |" in done.stdout
