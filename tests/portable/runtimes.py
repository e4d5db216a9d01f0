"""Environments with a Python and an onnxruntime of other years, in which bundles are run as their owners do."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.shipping.environments import clean
from tests.shipping.pythons import interpreter


@dataclass(frozen=True)
class Runtime:
    """What is installed; `onnxruntime` alone is its newest release."""

    python: str
    packages: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"python{self.python}-{self.packages[0].replace('==', '-')}"


OLDEST = Runtime("3.8", ("onnxruntime==1.14.1", "numpy==1.21.6", "pillow==9.1.0"))  # what README.md of a bundle names
NEWEST = Runtime("3.13", ("onnxruntime", "numpy", "pillow"))
RUNTIMES = (
    OLDEST,
    Runtime("3.8", ("onnxruntime==1.15.1", "numpy", "pillow")),
    Runtime("3.9", ("onnxruntime==1.16.3", "numpy<2", "pillow")),
    Runtime("3.10", ("onnxruntime==1.17.3", "numpy<2", "pillow")),
    Runtime("3.11", ("onnxruntime==1.18.1", "numpy<2", "pillow")),
    Runtime("3.12", ("onnxruntime==1.20.1", "numpy", "pillow")),
    NEWEST,
)


@dataclass(frozen=True)
class Installed:
    runtime: Runtime
    folder: Path

    def run(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        command = [str(self.folder / "bin" / "python"), "-W", "ignore", *map(str, arguments)]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd, env=clean())

    def install(self, *packages: str) -> None:
        done = self.run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages, cwd=self.folder)
        if done.returncode:
            raise RuntimeError(f"{self.runtime.name}: {done.stderr}")


def install(runtime: Runtime, folder: Path) -> Installed:
    """A new environment in a new folder. Raises RuntimeError where this machine has no such Python."""
    python = interpreter(runtime.python)
    if python is None:
        raise RuntimeError(
            f"There is no Python {runtime.python} here. Install it, e.g. `pyenv install {runtime.python}`."
        )
    subprocess.run([python, "-m", "venv", str(folder)], check=True, env=clean())
    installed = Installed(runtime, folder)
    installed.install(*runtime.packages)
    return installed


def copied(bundle: Path, folder: Path) -> Path:
    """A bundle of a test's own: another Python would leave its cache in the one that all share."""
    return Path(shutil.copytree(bundle, folder))
