"""A real Postgres (the bundled one) for a test run."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg

from patchswap.local.embedded import accounts
from patchswap.local.embedded import postgres as bundled
from tests.servers import processes

# Nothing here survives the run, so nothing needs to reach the disk. A `kill -9` of the server still loses no commit:
# what was written is in the operating system's cache.
_FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB"}


class PostgresServer:
    """A Postgres on 127.0.0.1; `kill` is `kill -9`, and `start` after it finds the same data.

    `also`: further addresses of this machine, of a network that only tests have.
    """

    def __init__(self, folder: Path, *, also: Sequence[str] = ()) -> None:
        self.port = processes.spare_port()
        self._addresses = ["127.0.0.1", *also]
        self.process: subprocess.Popen | None = None
        self._log = folder / "postgres.log"
        self._account = accounts.postgres_account()
        self._cluster = folder / "postgres"
        self._sockets = folder / "sockets"
        self._sockets.mkdir()
        accounts.hand_over(self._sockets, self._account)
        bundled.create_cluster(self._cluster, account=self._account)
        with (self._cluster / "pg_hba.conf").open("a") as rules:
            rules.writelines(f"host all all {address}/24 trust\n" for address in also)

    def start(self) -> None:
        listen = {"listen_addresses": ",".join(self._addresses)}
        command = bundled.command(self._cluster, self._sockets, port=self.port, **_FAST, **listen)
        self.process = processes.start(command, log=self._log, account=self._account)
        processes.wait_until_ready(
            self.process, lambda: bundled.accepts_connections(self.conninfo("postgres")), log=self._log
        )

    def stop(self) -> None:
        if self.process:
            processes.end(self.process, signal.SIGINT)  # fast shutdown: closes connections, writes a checkpoint

    def kill(self) -> None:
        processes.end(self.process, signal.SIGKILL)

    def checkpoint(self) -> None:
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def restart(self) -> None:
        """A crash and a new start on the same data."""
        self.kill()
        self.start()

    def create_database(self, name: str) -> str:
        """Creates a database unless it exists, and returns its SQLAlchemy url."""
        bundled.ensure_database(self.conninfo("postgres"), name)
        return self.url(name)

    def conninfo(self, database: str) -> str:
        return f"postgresql://{bundled.SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def url(self, database: str) -> str:
        return self.conninfo(database).replace("postgresql://", "postgresql+psycopg://")
