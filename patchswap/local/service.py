"""Which Python runs the service's own programs, and where it finds them. Nothing else in this package decides that.

A wheel keeps the service's packages (api, core, worker, ...) in `patchswap/_service/`, off everybody's path: their
names are too common to be installed. Only what is started here gets that folder on its PYTHONPATH, and hands it on to
its own children. In a checkout there is no such folder, and the packages are importable as they stand.

`python -m patchswap.local.service` prints the folder, for who starts `python -m api` by hand.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "_service"


def command(module: str, *arguments: str) -> list[str]:
    """The command line of `python -m module`."""
    # -P: the folder we happen to stand in must not shadow an installed package.
    return [sys.executable, "-P", "-m", module, *arguments]


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment`, and in it the path to the service's packages."""
    if not FOLDER.is_dir():
        return dict(environment)
    before = environment.get("PYTHONPATH")
    return {**environment, "PYTHONPATH": os.pathsep.join([str(FOLDER), *([before] if before else [])])}


if __name__ == "__main__":
    print(FOLDER if FOLDER.is_dir() else FOLDER.parents[1])
