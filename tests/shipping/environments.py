"""Fresh virtual environments with the wheel of this checkout in them, outside of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.shipping.building import ROOT

# As `make install`: torch first and pinned, so that no other package's open range chooses the build.
TORCH = re.findall(r"torch(?:vision)?==[\d.]+", (ROOT / "Makefile").read_text())
WITH_TORCH = {"worker", "up", "all"}


@dataclass(frozen=True)
class Environment:
    """One, and what it took to make it."""

    folder: Path
    seconds: float

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def patchswap(self) -> Path:
        return self.folder / "bin" / "patchswap"

    def run(self, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Nothing of the checkout is on the path, and the folder it runs in is empty."""
        elsewhere = self.folder.parent / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        return subprocess.run(
            list(map(str, command)), check=False, capture_output=True, text=True, cwd=elsewhere, env=clean() | variables
        )

    def packages(self) -> dict[str, str]:
        """Names and versions, but for pip and itself."""
        listed = self.run(self.python, "-m", "pip", "list", "--format", "json").stdout
        found = {each["name"].lower(): each["version"] for each in json.loads(listed)}
        return {name: version for name, version in found.items() if name not in {"pip", "setuptools", "patchswap"}}

    def megabytes(self) -> float:
        """What the install added, compiled files included."""
        (packages,) = self.folder.glob("lib/python*/site-packages")
        without = {"pip", "setuptools", "_distutils_hack", "pkg_resources"}
        files = (
            path for path in packages.rglob("*") if path.relative_to(packages).parts[0].split("-")[0] not in without
        )
        return sum(path.stat().st_size for path in files if path.is_file()) / 1e6

    def installed(self, *modules: str) -> dict[str, bool]:
        """Which top-level modules can be found."""
        program = (
            "import importlib.util as u, json, sys; print(json.dumps([bool(u.find_spec(n)) for n in sys.argv[1:]]))"
        )
        return dict(zip(modules, json.loads(self.run(self.python, "-c", program, *modules).stdout), strict=True))


def clean() -> dict[str, str]:
    """This process' variables, but none of ours and no path to the checkout."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PATCHSWAP_") and k != "PYTHONPATH"}


def make(folder: Path, wheel: Path, extra: str | None, python: str = sys.executable) -> Environment:
    """`pip install` of the wheel with an extra, as the lock has it; raises where pip refuses."""
    _check([python, "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    started_at = time.monotonic()
    if extra in WITH_TORCH:
        for pin in TORCH:
            _check([*pip, *os.environ.get("TORCH_OPTIONS", "").split(), pin])
    _check([*pip, "--constraint", str(ROOT / "constraints.txt"), f"{wheel}[{extra}]" if extra else str(wheel)])
    return Environment(folder, time.monotonic() - started_at)


def _check(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=clean(), cwd="/")
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
