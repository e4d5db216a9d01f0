"""`patchswap tenants`: the service's own command, on the deployment of the environment or of `patchswap up`."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from patchswap.local import deployment, service


def run(data_dir: Path | None, arguments: Sequence[str], *, as_json: bool) -> int:
    """Prints what was done; gives the exit status."""
    command = service.command("core.tenants", *(["--json"] if as_json else []), *arguments)
    return subprocess.run(command, check=False, env=deployment.environment(data_dir), cwd="/").returncode
