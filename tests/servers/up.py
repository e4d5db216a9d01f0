"""A running `patchswap up`, its output, and its processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil

from patchswap.local.embedded.leftovers import MARK
from tests.servers.processes import spare_port

COMMAND = Path(sys.executable).with_name("patchswap")
# How each child is recognised among the supervisor's own: by what stands on its command line.
CHILDREN = {
    "postgres": "unix_socket_directories",
    "redis": "redis-server",
    "api": "-m api",
    "worker-train": "-m worker train",
    "worker-short": "-m worker short",
}


class Up:
    """One `patchswap up`, its output, and its processes."""

    def __init__(self, data_dir: Path, *options: str, port: int | None = None) -> None:
        self.data_dir = data_dir
        self.port = port or spare_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [COMMAND, "up", "--data-dir", str(data_dir), "--port", str(self.port), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        line = self.process.stdout.readline()
        assert line == f"ready {self.url}\n", self.process.stderr.read()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def end(self) -> tuple[int, str]:
        """Waits for a start that is refused; its status and what it said."""
        output, errors = self.process.communicate(timeout=60)
        return self.process.returncode, output + errors

    @property
    def client(self) -> dict[str, str]:
        return json.loads((self.data_dir / "client.json").read_text())

    def key_is_accepted(self) -> bool:
        answer = httpx.get(f"{self.url}/v1/jobs", headers={"Authorization": f"Bearer {self.client['api_key']}"})
        return answer.status_code == 200

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def child(self, name: str) -> psutil.Process | None:
        for process in psutil.Process(self.process.pid).children():
            if CHILDREN[name] in " ".join(command_line(process)):
                return process
        return None


def command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def running_of(data_dir: Path) -> list[psutil.Process]:
    """Every live process that belongs to the data directory, children of children included."""

    def belongs(process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return process.environ().get(MARK) == str(data_dir) or process.cwd().startswith(str(data_dir))
        except (psutil.Error, OSError):
            return False

    return [process for process in psutil.process_iter() if belongs(process)]


def eventually(holds: Callable[[], bool], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
