"""A training on several devices: this program again, once for each, under torchrun.

torchrun's own exit status only says that all went well or not, so the processes of the team leave theirs in a file.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from trainer.machine.stopping import StopRequest, die_with_parent

_STATUS_FILE = "PATCHSWAP_TEAM_STATUS"
_TORCHRUN = ("--standalone", "--local-addr", "127.0.0.1", "--nproc-per-node")


def is_member() -> bool:
    """Whether this process was started by torchrun."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def run_team(devices: int, arguments: Sequence[str], stop: StopRequest) -> int:
    """The exit status of `python -m trainer ARGUMENTS` as a team of so many processes."""
    with tempfile.TemporaryDirectory(prefix="patchswap-team-") as folder:
        status = Path(folder) / "status"
        team = subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", *_TORCHRUN, str(devices), "-m", "trainer", *arguments],
            env=os.environ | {_STATUS_FILE: str(status)},
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call
        )
        stop.forward_to(team)
        ended = team.wait()
        return int(status.read_text()) if status.exists() else ended or 1


def leave_status(status: int, *, is_chief: bool) -> None:
    """Note how this member ended: the chief always, another where it failed, which ends the chief, too."""
    if (file := os.environ.get(_STATUS_FILE)) and (is_chief or status):
        Path(file).write_text(str(status))
