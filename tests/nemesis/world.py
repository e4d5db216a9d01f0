"""The service under test, whole: Postgres, Redis, an S3 server, api and workers, with a wire on each of their links."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from core.accounts import keys
from core.database.database import transaction
from core.tables import DatasetVersion
from tests.conftest import forget_settings, migrate
from tests.data import packs
from tests.nemesis import audit
from tests.nemesis.fleet import Fleet
from tests.servers.api import ApiServer
from tests.servers.clock import Clock
from tests.servers.namespace import Namespace, Way, may_be_made
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.small_disk import mount_small, unmount
from tests.servers.swift import SwiftServer
from tests.servers.wire import Wire
from tests.worker import seed

ROOT = Path(__file__).parents[2]
SHORT = {"LEASE": "6", "HEARTBEAT": "1", "SWEEP": "1", "STALL": "30", "GRACE": "20"}
PRODUCTION: dict[str, str] = {}  # what core.settings says
SIDES = ("api", "workers")
APART = "apart"  # the side of workers that have a network of their own
SERVERS = ("postgres", "redis", "s3")
POSTGRES_MEGABYTES = 1_000  # a disk of its own, which a fault can fill
BUCKET = "nemesis"


@dataclass(frozen=True)
class Setup:
    """How api and workers are to run. `settings`: NAME is PATCHSWAP_NAME_SECONDS, name is PATCHSWAP_NAME."""

    settings: dict[str, str]
    workers: int
    short_workers: int = 0
    clocks: bool = False  # its processes have clocks that can be set
    apart: int = 0  # so many of its workers have a network of their own


class World:
    """Started once; `enter` gives it another setup by starting api and workers anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres_disk = folder / "pg"
        for each in (folder / "swift", self.postgres_disk):
            each.mkdir()
        self.swift = SwiftServer(folder / "swift")  # first, for it may install: what fails later leaves a mount behind
        mount_small(self.postgres_disk, megabytes=POSTGRES_MEGABYTES)
        self.postgres_log = folder / "pg" / "postgres.log"
        self._namespace = Namespace(f"nemesis{os.getpid()}", addresses=len(SERVERS)) if may_be_made() else None
        self._apart_at = dict(zip(SERVERS, self._namespace.addresses, strict=True)) if self._namespace else {}
        self.postgres = PostgresServer(self.postgres_disk, also=self._listen_also("postgres"))
        self.redis = RedisServer(folder, also=self._listen_also("redis"))
        self.wires: dict[tuple[str, str], Wire] = {}
        self.setup: Setup | None = None
        self.parted: set[tuple[str, str]] = set()
        self.fleet = Fleet(folder, lambda name, apart: self.variables(APART if apart else "workers", name))
        self.api: ApiServer
        self.version: DatasetVersion
        self.key = self.strangers_key = ""
        self._kept = threading.local()
        self._clocks: dict[str, Clock] = {}
        self._real_version: DatasetVersion | None = None
        self._undisturbed: dict[str, str] = {}
        self.measured: dict[str, float] = {}  # what need not be measured again

    def start(self) -> None:
        self.postgres.start()
        url = self.postgres.create_database("patchswap")
        migrate(url)
        audit.install(self.postgres.conninfo("patchswap"))
        self.redis.start()
        self.swift.start()
        self.swift.create_bucket(BUCKET)
        self.wires = {(side, server): Wire(self._port(server)) for side in SIDES for server in SERVERS}
        if self._namespace:  # Swift listens on this machine's own address only
            self.wires[APART, "s3"] = Wire(self._port("s3"), host=self._apart_at["s3"])
        self._point_this_process(url)
        self.version = seed.version(seed.tenant())
        self.key = _key("tests")
        self.strangers_key = _key("strangers")

    def enter(self, setup: Setup) -> None:
        """Nothing where it runs so already."""
        if setup == self.setup:
            return
        self._leave()
        self.setup = setup
        if setup.apart and self._namespace is None:
            raise RuntimeError("partitions need Linux, root and iproute2")
        self.fleet.before = self._namespace.command if self._namespace else ()
        self.api = ApiServer(self.folder, variables=self.variables("api", "api"))
        self.api.start()
        self.fleet.start(setup.workers, setup.short_workers, apart=setup.apart)

    def stop(self) -> None:
        self._leave()
        for wire in self.wires.values():
            wire.close()
        for server in (self.swift, self.redis, self.postgres):
            server.stop()
        if self._namespace:
            self._namespace.close()
        unmount(self.postgres_disk)

    def variables(self, side: str, name: str) -> dict[str, str]:
        """The environment of a process; `name` is its role in Postgres."""
        assert self.setup
        settings = self.setup.settings
        times = {f"PATCHSWAP_{key}_SECONDS": value for key, value in settings.items() if key.isupper()}
        others = {f"PATCHSWAP_{key.upper()}": value for key, value in settings.items() if key.islower()}
        at = {server: self._address(side, server) for server in SERVERS}
        return {
            **self.swift.access.environment(),
            "PATCHSWAP_S3_ENDPOINT": f"http://{at['s3']}",
            "PATCHSWAP_DATABASE_URL": f"postgresql+psycopg://{name}@{at['postgres']}/patchswap",
            "PATCHSWAP_REDIS_URL": self.redis.url.replace(f"127.0.0.1:{self.redis.port}", at["redis"]),
            "PATCHSWAP_OBJECTS_URL": f"s3://{BUCKET}/objects",
            "PATCHSWAP_TRAINER_MODULE": "tests.worker.fake_trainer",
            "PYTHONPATH": str(ROOT),
            **times,
            **others,
            **(self._clock("workers" if side == APART else side).variables if self.setup.clocks else {}),
        }

    def set_clock(self, side: str, seconds: int) -> None:
        """Of all processes of a side, at once: so far ahead of the machine's."""
        self._clocks[side].set(seconds)

    def part(self, side: str, server: str, way: Way = "there") -> None:
        """They no longer hear each other; `apart` are the workers that have a network of their own."""
        self.parted.add((side, server))
        if side == APART and self._namespace:
            self._namespace.lose(self._apart_at[server], way)
        else:
            self.wires[side, server].mode = "stall"

    def join(self, side: str, server: str) -> None:
        if (side, server) not in self.parted:
            return
        self.parted.remove((side, server))
        if side == APART and self._namespace:
            self._namespace.find(self._apart_at[server])
        else:
            self.wires[side, server].heal()

    def real_version(self) -> DatasetVersion:
        """Of a pack that the real trainer can read."""
        if self._real_version is None:
            folder = self.folder / "pack"
            manifest = packs.shapes(folder, counts=(48, 12, 12), size=(16, 16), classes=3)
            samples = (folder / "samples.arrow").read_bytes()
            self._real_version = seed.version(seed.tenant(), manifest, samples)
        return self._real_version

    def undisturbed(self, body: dict[str, Any]) -> str:
        """The sha256 of the weights of this job where nothing happens to it; it is run for that the first time."""
        name = json.dumps(body, sort_keys=True)
        if name not in self._undisturbed:
            headers = {"Authorization": f"Bearer {self.key}"}
            answer = httpx.post(f"{self.api.url}/v1/jobs", json=body, headers=headers, timeout=30, trust_env=False)
            job_id = answer.raise_for_status().json()["id"]
            wait_for(lambda: self.job(job_id)["status"] == "succeeded", seconds=600, what="the undisturbed job")
            rows = self.rows("SELECT weights_sha256 AS sha256 FROM models WHERE job_id = %s", job_id)
            self._undisturbed[name] = rows[0]["sha256"]
        return self._undisturbed[name]

    def link(self, side: str, server: str) -> Wire:
        return self.wires[side, server]

    def heal(self) -> None:
        for pair in list(self.parted):
            self.join(*pair)
        for wire in self.wires.values():
            wire.heal()

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Asked as superuser, past every wire. Raises psycopg.OperationalError while Postgres is away."""
        return self._execute(statement, values).fetchall()

    def execute(self, statement: str) -> None:
        """The same, of which nothing comes back."""
        self._execute(statement)

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> psycopg.Cursor[dict[str, Any]]:
        try:
            return self._connection().execute(statement, values)
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

    def _leave(self) -> None:
        if self.setup is not None:
            self.fleet.stop()
            self.api.kill()

    def _port(self, server: str) -> int:
        s3 = int(self.swift.access.endpoint.rsplit(":", 1)[1])
        return {"postgres": self.postgres.port, "redis": self.redis.port, "s3": s3}[server]

    def _listen_also(self, server: str) -> list[str]:
        """Without a wire between: who is apart has an end of the server's own connection."""
        return [self._apart_at[server]] if self._apart_at else []

    def _address(self, side: str, server: str) -> str:
        if side == APART and server != "s3":
            return f"{self._apart_at[server]}:{self._port(server)}"
        wire = self.wires[side, server]
        return f"{wire.host}:{wire.port}"

    def _clock(self, side: str) -> Clock:
        if side not in self._clocks:
            self._clocks[side] = Clock(self.folder, side)
        return self._clocks[side]

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
