"""`python -m api` as a process of its own, as every deployment runs it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.servers import processes


class ApiServer:
    """May be killed and started again on the same port. `variables` go over those of this process."""

    def __init__(self, folder: Path, *, port: int | None = None, variables: dict[str, str] | None = None) -> None:
        self.port = port or processes.spare_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "api.log"
        self._variables = variables or {}
        self._process: subprocess.Popen | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def start(self) -> None:
        variables = [f"{name}={value}" for name, value in self._variables.items()]
        command = ["env", *variables, sys.executable, "-P", "-m", "api", "--port", str(self.port)]
        self._process = processes.start(command, log=self.log)
        processes.wait_until_ready(self._process, self._answers, log=self.log, seconds=60)

    def kill(self) -> None:
        """At once, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            processes.end(self._process, how)
            self._process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False
