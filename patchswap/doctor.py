"""`patchswap doctor`: the service's own examination, on the deployment of the environment or of `patchswap up`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from patchswap import up
from patchswap.embedded import layout
from patchswap.embedded.refusal import CannotStart
from patchswap.errors import BadInput

_TOLD_BY = "PATCHSWAP_DATABASE_URL"


def run(data_dir: Path | None, *, as_json: bool) -> int:
    """Prints the findings; gives the exit status, 1 where something is wrong."""
    command = [sys.executable, "-P", "-m", "core.doctor", *(["--json"] if as_json else [])]
    return subprocess.run(command, check=False, env=_environment(data_dir), cwd="/").returncode


def _environment(data_dir: Path | None) -> dict[str, str]:
    """A data directory that is named counts more than the environment."""
    if data_dir is None and _TOLD_BY in os.environ:
        return dict(os.environ)
    folder = data_dir or up.default_data_dir()
    if not (folder / "client.json").is_file():
        raise BadInput(f"no service was ever started in {folder}; give --data-dir, or set {_TOLD_BY} and its like")
    try:
        return up.environment_of(layout.prepare(folder))
    except CannotStart as error:
        raise BadInput(str(error)) from error
