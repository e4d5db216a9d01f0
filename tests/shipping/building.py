"""The wheel and the sdist of this checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build(kind: str, folder: Path) -> Path:
    """Builds as `python -m build` does, by the hatchling that is here: no download, two seconds."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"hatchling ended with {done.returncode}: {done.stdout}{done.stderr}")
    (built,) = folder.iterdir()
    return built
