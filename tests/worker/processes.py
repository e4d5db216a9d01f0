"""Workers as processes of their own, as a deployment starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil

from core.tables import Job
from core.tables.states import TERMINAL
from tests.servers import processes
from tests.worker import seed


class Worker:
    """`python -m worker QUEUE`. `variables` go over those of this process; `before` stands before the command."""

    def __init__(
        self,
        queue: str,
        *,
        folder: Path,
        name: str,
        variables: Mapping[str, str] = MappingProxyType({}),
        before: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        own = {"PATCHSWAP_WORKER_NAME": name, "PATCHSWAP_SCRATCH_DIR": str(folder / name)}
        environment = {**os.environ, **own, **variables}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-P", "-m", "worker", queue],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                start_new_session=True,
            )

    def wait_until_ready(self) -> Worker:
        processes.wait_until_ready(self.process, lambda: b" ready." in self.log.read_bytes(), log=self.log)
        return self

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def trainers(self) -> list[psutil.Process]:
        return [p for p in self.descendants() if "tests.worker.fake_trainer" in " ".join(command_line(p))]

    def terminate(self, seconds: float = 30) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        left = self.descendants() if self.process.poll() is None else []
        if self.process.poll() is None:
            self.kill()
        for process in left:
            if process.is_running():
                process.kill()


def command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def wait_for(look: Callable[[], Any], *, seconds: float = 60) -> Any:
    """The first true value of `look`."""
    deadline = time.monotonic() + seconds
    while not (value := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
    return value


def wait_until(job_id: str, happened: Callable[[Job], bool], *, seconds: float = 60) -> Job:
    wait_for(lambda: happened(seed.read(job_id)), seconds=seconds)
    return seed.read(job_id)


def wait_for_end(job_id: str, *, seconds: float = 60) -> Job:
    return wait_until(job_id, lambda job: job.status in TERMINAL, seconds=seconds)
