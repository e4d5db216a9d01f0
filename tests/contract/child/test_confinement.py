"""What a child that touches strangers' files gets of us, and what it may take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contract.child import confinement

ROOT = Path(__file__).parents[3]
LIMITED = """
from contract.child.confinement import confine
confine(memory_bytes=2**30, cpu_seconds=1, file_bytes=0, open_files=16, cpu_slack_seconds=1)
"""


def test_settings_of_the_service_are_not_handed_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATCHSWAP_S3_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LANG", "C")
    handed = confinement.environment()
    assert not any(name.startswith("PATCHSWAP_") for name in handed)
    assert handed["LANG"] == "C"


@pytest.mark.parametrize(
    ("does", "ends"),
    [
        ("bytearray(2**31)", "MemoryError"),
        ("open('written', 'wb', buffering=0).write(b'x')", "File too large"),
        ("[open('/dev/null') for _ in range(20)]", "Too many open files"),
    ],
)
def test_limits_hold(does: str, ends: str, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED + does],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert ends in done.stderr
