"""The client and the command line where nothing but the client is installed, and where Windows lacks what Unix has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXPORT_RUN = ["export-run", "job_1", "--to", "mlflow"]


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tests/patchswap/client_alone.py"), *arguments]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PATCHSWAP_")}
    return subprocess.run(
        command, check=False, capture_output=True, text=True, cwd="/", env=kept | {"PYTHONPATH": str(ROOT)}
    )


def test_every_module_of_the_client_imports_and_the_help_is_printed():
    done = alone("--help")
    assert done.returncode == 0, done.stderr
    assert "datasets" in done.stdout
    assert int(done.stderr.split()[0]) > 40


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [(["up"], "up"), (["worker", "--device", "pi"], "device"), (["doctor"], "server"), (EXPORT_RUN, "trackers")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_command_that_needs_more_says_in_one_line_what_to_install(arguments: list[str], extra: str):
    done = alone(*arguments)
    assert done.returncode == 1
    told = done.stderr.splitlines()[1:]
    assert len(told) == 1, done.stderr
    needed = rf"patchswap: `patchswap {arguments[0]}` needs .*\. Run `pip install 'patchswap\[{extra}\]'`\."
    assert re.fullmatch(needed, told[0])
