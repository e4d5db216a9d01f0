"""The service under test, whole: Postgres, Redis, an S3 server, api and workers, with a wire on each of their links."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from core import keys
from core.database import transaction
from core.tables import DatasetVersion
from tests.conftest import forget_settings, migrate
from tests.nemesis import audit
from tests.nemesis.fleet import Fleet
from tests.servers.api import ApiServer
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.swift import SwiftServer
from tests.servers.wire import Wire
from tests.worker import seed

ROOT = Path(__file__).parents[2]
SHORT = {"LEASE": "6", "HEARTBEAT": "1", "SWEEP": "1", "STALL": "30", "GRACE": "20"}
PRODUCTION: dict[str, str] = {}  # what core.settings says
SIDES = ("api", "workers")
BUCKET = "nemesis"


class World:
    """Started once; `enter` gives it other settings by starting api and workers anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "swift").mkdir()
        self.postgres = PostgresServer(folder)
        self.redis = RedisServer(folder)
        self.swift = SwiftServer(folder / "swift")
        self.wires: dict[tuple[str, str], Wire] = {}
        self.settings: dict[str, str] | None = None
        self.size = 0
        self._kept = threading.local()
        self.fleet = Fleet(folder, lambda name: self.variables("workers", name))
        self.api: ApiServer
        self.version: DatasetVersion
        self.key = self.strangers_key = ""

    def start(self) -> None:
        self.postgres.start()
        url = self.postgres.create_database("patchswap")
        migrate(url)
        audit.install(self.postgres.conninfo("patchswap"))
        self.redis.start()
        self.swift.start()
        self.swift.create_bucket(BUCKET)
        s3_port = int(self.swift.access.endpoint.rsplit(":", 1)[1])
        ports = {"postgres": self.postgres.port, "redis": self.redis.port, "s3": s3_port}
        self.wires = {(side, name): Wire(port) for side in SIDES for name, port in ports.items()}
        self._point_this_process(url)
        self.version = seed.version(seed.tenant())
        self.key = _key("tests")
        self.strangers_key = _key("strangers")

    def enter(self, settings: dict[str, str], *, workers: int) -> None:
        """Api and workers with these settings, seconds where production takes minutes; nothing where they run so."""
        if settings == self.settings and workers == self.size:
            return
        self._leave()
        self.settings, self.size = settings, workers
        self.api = ApiServer(self.folder, variables=self.variables("api", "api"))
        self.api.start()
        self.fleet.start(workers)

    def reset(self) -> None:
        """Api and workers anew, on the same servers."""
        settings, size = self.settings or {}, self.size
        self._leave()
        self.settings = None
        self.enter(settings, workers=size)

    def stop(self) -> None:
        self._leave()
        for wire in self.wires.values():
            wire.close()
        for server in (self.swift, self.redis, self.postgres):
            server.stop()

    def variables(self, side: str, name: str) -> dict[str, str]:
        """The environment of a process; `name` is its role in Postgres."""
        times = {f"PATCHSWAP_{key}_SECONDS": value for key, value in (self.settings or {}).items() if key.isupper()}
        others = {f"PATCHSWAP_{key.upper()}": value for key, value in (self.settings or {}).items() if key.islower()}
        port = {server: self.wires[side, server].port for server in ("postgres", "redis", "s3")}
        access = self.swift.access.environment() | {"PATCHSWAP_S3_ENDPOINT": f"http://127.0.0.1:{port['s3']}"}
        return {
            **access,
            "PATCHSWAP_DATABASE_URL": f"postgresql+psycopg://{name}@127.0.0.1:{port['postgres']}/patchswap",
            "PATCHSWAP_REDIS_URL": self.redis.url.replace(f":{self.redis.port}/", f":{port['redis']}/"),
            "PATCHSWAP_OBJECTS_URL": f"s3://{BUCKET}/objects",
            "PATCHSWAP_TRAINER_MODULE": "tests.worker.fake_trainer",
            "PYTHONPATH": str(ROOT),
            **times,
            **others,
        }

    def link(self, side: str, server: str) -> Wire:
        return self.wires[side, server]

    def heal(self) -> None:
        for wire in self.wires.values():
            wire.heal()

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Asked as superuser, past every wire. Raises psycopg.OperationalError while Postgres is away."""
        try:
            return self._connection().execute(statement, values).fetchall()
        except psycopg.OperationalError:
            self._kept.connection = None
            raise

    def _connection(self) -> psycopg.Connection[dict[str, Any]]:
        """One a thread, until it breaks."""
        if getattr(self._kept, "connection", None) is None:
            conninfo = self.postgres.conninfo("patchswap")
            self._kept.connection = psycopg.connect(conninfo, row_factory=dict_row, connect_timeout=5, autocommit=True)
        return self._kept.connection

    def job(self, job_id: str) -> dict[str, Any]:
        """Empty while Postgres is away."""
        try:
            return self.rows("SELECT * FROM jobs WHERE id = %s", job_id)[0]
        except psycopg.OperationalError:
            return {}

    @contextmanager
    def without_postgres(self) -> Iterator[None]:
        self.postgres.kill()
        try:
            yield
        finally:
            self.postgres.start()

    def _leave(self) -> None:
        if self.settings is not None:
            self.fleet.stop()
            self.api.kill()

    def _point_this_process(self, url: str) -> None:
        """`core` here speaks to the servers directly: it seeds and looks, and is no part of what is tested."""
        os.environ |= {
            **self.swift.access.environment(),
            "PATCHSWAP_DATABASE_URL": url,
            "PATCHSWAP_REDIS_URL": self.redis.url,
            "PATCHSWAP_OBJECTS_URL": f"s3://{BUCKET}/objects",
        }
        forget_settings()


def _key(tenant: str) -> str:
    with transaction() as session:
        row = keys.ensure_tenant(session, tenant)
        return keys.create(session, row.id, name="nemesis", scopes=keys.SCOPES)[1]


def wait_for(look: Any, *, seconds: float, what: str) -> Any:
    """The first true value of `look`."""
    deadline = time.monotonic() + seconds
    while not (value := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)
    return value
