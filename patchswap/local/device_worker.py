"""`patchswap worker`: this machine as a device that measures exported files, until Ctrl-C."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NoReturn

from patchswap.errors import BadInput
from patchswap.local import deployment, service

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")  # as core.settings has it


def run(device_name: str, data_dir: Path | None) -> NoReturn:
    """Becomes the worker, so that a signal reaches it. Raises BadInput."""
    if not _NAME.fullmatch(device_name):
        raise BadInput(f"{device_name!r} is no name of a device: up to 63 letters, digits, dots, dashes, underscores")
    variables = deployment.environment(data_dir) | {"PATCHSWAP_DEVICE_NAME": device_name}
    os.chdir("/")
    command = service.command("worker", "device")
    os.execve(command[0], command, variables)  # noqa: S606 - no shell wanted
