"""What the Dockerfiles make, without Docker: the wheel in an environment of its own, and the image's own settings.

Packages are this environment's, compiled as the image has them; Python is this one and not the image's.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.deployment.test_compose import ROOT, last_stage
from tests.shipping import environments


class Image:
    """/venv of an image, and how to mount it."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.venv = folder / "venv"
        _run(sys.executable, "-m", "venv", str(self.venv))
        (packages,) = self.venv.glob("lib/python*/site-packages")
        (packages / "zz_base.pth").write_text("\n".join(map(str, _packages())) + "\n")
        python = str(self.venv / "bin" / "python")
        _run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel))
        service = _run(python, "-P", "-m", "patchswap.local.service").strip()
        # As /venv/service of the image: a link from /venv to /venv.
        (self.venv / "service").symlink_to(Path(service).relative_to(self.venv))

    @property
    def code(self) -> dict[Path, str]:
        """Read-only folders, by their path inside: the environment, what it builds on, and its Python."""
        shared = [path for path in (*_packages(), Path(sys.base_prefix)) if not path.is_relative_to("/usr")]
        return {self.venv: "/venv"} | {path: str(path) for path in shared}


def environment(dockerfile: str) -> dict[str, str]:
    """The ENV lines of an image's last stage; `$PATH` is Debian's."""
    text = last_stage(ROOT / dockerfile).replace("\\\n", "")
    pairs = (pair.split("=", 1) for line in re.findall(r"^ENV (.*)$", text, re.MULTILINE) for pair in shlex.split(line))
    return {name: value.replace("$PATH", "/usr/local/bin:/usr/bin:/bin") for name, value in pairs}


def instruction(dockerfile: str, name: str) -> list[str]:
    """The command of CMD or HEALTHCHECK."""
    text = last_stage(ROOT / dockerfile).replace("\\\n", "")
    found = re.search(rf"^{name} .*?(\[.*\])$" if name == "CMD" else rf"^{name} .*?CMD (\[.*\])$", text, re.MULTILINE)
    assert found, f"{dockerfile} has no {name}"
    return [str(word) for word in json.loads(found[1])]


def workdir(dockerfile: str) -> str:
    return re.findall(r"^WORKDIR (\S+)$", last_stage(ROOT / dockerfile), re.MULTILINE)[-1]


def _packages() -> list[Path]:
    """Where this environment's packages lie."""
    return [Path(place) for place in sys.path if place.endswith("site-packages")]


def _run(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", env=environments.clean())
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout
