"""A real Redis (the bundled one) for a test run."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import redis

from patchswap.local.embedded import redis as bundled
from tests.servers import processes

_PASSWORD = "only-for-tests"


class RedisServer:
    """A Redis on 127.0.0.1 with a password; `kill` is `kill -9`, and `start` after it finds what AOF kept.

    `also`: further addresses of this machine, of a network that only tests have.
    """

    def __init__(self, folder: Path, *, also: Sequence[str] = ()) -> None:
        self.port = processes.spare_port()
        self.process: subprocess.Popen | None = None
        self._log = folder / "redis.log"
        data = folder / "redis"
        data.mkdir()
        text = bundled.configuration(data, port=self.port, password=_PASSWORD)
        text += " ".join(["bind", "127.0.0.1", *also]) + "\n"
        self._configuration = bundled.write_configuration(data, text)

    @property
    def url(self) -> str:
        return f"redis://:{_PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process = processes.start(bundled.command(self._configuration), log=self._log)
        with redis.Redis.from_url(self.url, socket_timeout=2) as client:
            processes.wait_until_ready(self.process, lambda: bundled.accepts_connections(client), log=self._log)

    def stop(self) -> None:
        if self.process:
            processes.end(self.process, signal.SIGTERM)

    def kill(self) -> None:
        processes.end(self.process, signal.SIGKILL)

    def restart(self) -> None:
        """A crash and a new start on the same data."""
        self.kill()
        self.start()
