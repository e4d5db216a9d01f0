"""A real api behind a network that can be broken, and the part of a worker, played by the ledger's own functions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contract.pack.manifest import PackManifest
from core.accounts import keys
from core.database.database import transaction
from core.datasets import ledger as datasets
from core.datasets import uploads
from core.jobs import ledger
from core.jobs.ledger import Claim
from core.jobs.logs import Line
from core.store import storage
from core.store.storage import StoredFile
from core.tables import DatasetVersion, Job
from patchswap.client import Client
from tests.servers.api import ApiServer
from tests.servers.processes import spare_port
from tests.servers.proxy import BreakingProxy
from tests.servers.redis import RedisServer

MANIFEST = PackManifest(
    classes=["cat", "dog"],
    samples=60,
    counts={"train": {"cat": 20, "dog": 20}, "val": {"cat": 5, "dog": 5}, "test": {"cat": 5, "dog": 5}},
    encoding="raw",
    channels=3,
    image_size=(8, 8),
    median_size=(8, 8),
    mean=[0.5] * 3,
    std=[0.25] * 3,
    pairability={"share": 1.0, "unpairable_classes": []},
    evaluation_split="test",
    digest="0" * 64,
    bytes=1,
)


@pytest.fixture(scope="session")
def objects_folder(servers_folder: Path) -> Path:
    folder = servers_folder / "objects"
    folder.mkdir()
    return folder


@pytest.fixture
def objects_url(objects_folder: Path) -> str:
    """That of the api, which lives as long as the test process: starting it takes seconds."""
    return objects_folder.as_uri()


@pytest.fixture(scope="session")
def network() -> Iterator[BreakingProxy]:
    proxy = BreakingProxy(f"http://127.0.0.1:{spare_port()}")
    yield proxy
    proxy.close()


@pytest.fixture
def proxy(network: BreakingProxy) -> BreakingProxy:
    """The network between client and api, whole again; the api knows itself by this address."""
    network.faults.clear()
    network.seen.clear()
    network.withheld.clear()
    return network


@pytest.fixture(scope="session")
def api(
    network: BreakingProxy, servers_folder: Path, objects_folder: Path, postgres_url: str, redis_server: RedisServer
) -> Iterator[ApiServer]:
    variables = {
        "PATCHSWAP_DATABASE_URL": postgres_url,
        "PATCHSWAP_REDIS_URL": redis_server.url,
        "PATCHSWAP_OBJECTS_URL": objects_folder.as_uri(),
        "PATCHSWAP_PUBLIC_URL": network.url,
    }
    server = ApiServer(servers_folder, port=int(network.upstream.rpartition(":")[2]), variables=variables)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def api_key(database: str) -> str:
    with transaction() as session:
        tenant = keys.ensure_tenant(session, "default")
        return keys.create(session, tenant.id, name="tests", scopes=keys.SCOPES)[1]


@pytest.fixture
def client(api: ApiServer, proxy: BreakingProxy, api_key: str) -> Iterator[Client]:
    """Reaches the api through the proxy."""
    with Client(proxy.url, api_key) as client:
        yield client


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same attempts, without the waiting that a real network needs."""
    monkeypatch.setattr("patchswap.retries._FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr("patchswap.retries._LONGEST_WAIT_SECONDS", 0.05)


@pytest.fixture
def dataset_id(api_key: str) -> str:
    """A dataset that is ready, as ingest would leave it."""
    with transaction() as session:
        tenant = keys.ensure_tenant(session, "default")
        upload = uploads.create(session, tenant.id, size=1, sha256="0" * 64, media_type="application/zip")
        upload.status = "complete"
        session.flush()
        dataset, version, _ = datasets.push(
            session, tenant.id, name="pets", upload_id=upload.id, task="classification", splits=None
        )
        version.status, version.fence = "running", 1
        session.flush()
        datasets.publish_version(
            session, version.id, 1, manifest=MANIFEST, report=REPORT, prefix="datasets/x/1", pack_sha256="0" * 64
        )
        return dataset.id


REPORT: dict[str, Any] = {
    "version": 1,
    "status": "ready",
    "archive": "zip",
    "layout": "image_folder",
    "accepted": 60,
    "skipped": 0,
    "ignored": 0,
    "classes": 2,
    "splits": {"train": 40, "val": 10, "test": 10},
    "pairability": {"share": 1.0, "unpairable_classes": []},
    "findings": [],
    "counts": {},
}


class Worker:
    """Does to one job what a worker would, when it is told to."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id

    def claim(self) -> None:
        with transaction() as session:
            job = ledger.claim(session, self.job_id, "worker-1")
            assert job is not None
            self.mine = Claim(job.id, job.fence, "worker-1")

    def notice(self, message: str) -> None:
        note = ("notice", {"severity": "info", "code": "test", "message": message})
        with transaction() as session:
            ledger.record(session, self.mine, notes=[note])  # type: ignore[list-item]

    def say(self, *texts: str) -> None:
        with transaction() as session:
            lines = [Line("trainer", datetime.now(UTC), text) for text in texts]
            ledger.record(session, self.mine, lines=lines)

    def save_checkpoint(self, content: bytes = b"state") -> StoredFile:
        stored = storage.put_bytes(f"jobs/{self.job_id}/{self.mine.fence}/checkpoints/step-000010.ckpt", content)
        with transaction() as session:
            ledger.record_checkpoint(session, self.mine, stored, arm="main", step=10, epoch=1, best=False, figures={})
        return stored

    def end(self, status: str) -> None:
        with transaction() as session:
            ledger.end(session, self.mine, status, reason="told to")


@pytest.fixture
def count_jobs(database: str) -> Any:
    def count() -> int:
        with transaction() as session:
            return session.query(Job).count()

    return count


@pytest.fixture
def count_versions(database: str) -> Any:
    def count() -> int:
        with transaction() as session:
            return session.query(DatasetVersion).count()

    return count
