"""`patchswap doctor`: the service's own examination, on the deployment of the environment or of `patchswap up`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from patchswap.local import deployment, service


def run(data_dir: Path | None, *, as_json: bool) -> int:
    """Prints the findings; gives the exit status, 1 where something is wrong."""
    command = service.command("core.doctor", *(["--json"] if as_json else []))
    return subprocess.run(command, check=False, env=deployment.environment(data_dir), cwd="/").returncode
