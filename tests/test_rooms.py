"""The rooms keep apart: who may import whom, and who does without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = str(ROOT / "tests" / "import_without_torch.py")
SERVICE = ["api", "contract", "core", "ingest", "migrations", "portable", "trainer", "worker"]
WITHOUT_SERVICE = "import sys; sys.modules.update(dict.fromkeys({service})); import {module}"


@pytest.mark.parametrize("package", ["api", "contract", "core", "ingest", "patchswap", "worker"])
def test_package_imports_without_torch(package: str):
    done = subprocess.run([sys.executable, PROGRAM, package], check=False, capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr


def test_trainer_does_not_import_without_torch():
    """The check above can fail: where torch is needed, it says so."""
    done = subprocess.run([sys.executable, PROGRAM, "trainer"], check=False, capture_output=True, text=True, cwd="/")
    assert "No module named 'torch" in done.stderr


@pytest.mark.parametrize("module", ["patchswap", "patchswap.local.up"])
def test_client_imports_where_the_service_is_not_installed(module: str):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SERVICE.format(service=SERVICE, module=module)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
