"""The bundled Postgres as `patchswap up` starts it, fsync and all, in a temporary folder; migrated databases in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patchswap.local.embedded import accounts, postgres

_READY_SECONDS = 30.0


class Cluster:
    """A running server behind a unix socket."""

    def __init__(self, sockets: Path) -> None:
        self._sockets = sockets

    def conninfo(self, database: str) -> str:
        return postgres.conninfo(self._sockets, database)

    def create_database(self, name: str) -> str:
        """A database at the newest schema; gives its SQLAlchemy url."""
        postgres.ensure_database(self.conninfo("postgres"), name)
        url = postgres.socket_url(self._sockets, name)
        command = [sys.executable, "-P", "-m", "migrations"]
        subprocess.run(command, check=True, cwd="/", env=os.environ | settings_for(url), capture_output=True)
        return url


def settings_for(database_url: str) -> dict[str, str]:
    """The variables that core asks for; broker and objects are those of nobody, for they are not touched."""
    return {
        "PATCHSWAP_DATABASE_URL": database_url,
        "PATCHSWAP_REDIS_URL": "redis://127.0.0.1:1/0",
        "PATCHSWAP_OBJECTS_URL": "file:///nonexistent",
        "PATCHSWAP_REQUESTS_PER_MINUTE": "1000000000",  # counted as ever, and never refused
    }


@contextmanager
def running() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="patchswap-bench-") as name:
        folder, account = Path(name), accounts.postgres_account()
        sockets = folder / "sockets"
        sockets.mkdir()
        accounts.hand_over(sockets, account)
        postgres.create_cluster(folder / "postgres", account=account)
        command = postgres.command(folder / "postgres", sockets)
        with (folder / "log").open("ab") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **accounts.identity(account))
        try:
            _wait_until_ready(server, sockets, folder / "log")
            yield Cluster(sockets)
        finally:
            server.send_signal(signal.SIGINT)  # fast shutdown
            server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], sockets: Path, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not postgres.accepts_connections(postgres.conninfo(sockets, "postgres")):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Postgres is not ready:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)
