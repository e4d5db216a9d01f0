"""Receipts over a real api: fetched, checked, and a job made again from one; a worker is played by the ledger."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core import signing
from core.database.database import transaction
from core.jobs import ledger
from core.jobs.ledger import Publication
from core.store.storage import StoredFile
from patchswap import receipts
from patchswap.cli import main
from patchswap.client import Client
from patchswap.errors import BadInput, DamagedFile, NotFound
from patchswap.resources import Job
from tests.conftest import forget_settings
from tests.patchswap.calls.test_exports import EVALUATION
from tests.patchswap.conftest import Worker

pytestmark = pytest.mark.usefixtures("quick_retries")
ENVIRONMENT = {"python": "3.11.7", "packages": {"torch": "2.13.0"}, "threads": 2}


@pytest.fixture
def key(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the worker here signs with; the api does not know of it."""
    signing.create(tmp_path / "key.pem")
    monkeypatch.setenv("PATCHSWAP_SIGNING_KEY_FILE", str(tmp_path / "key.pem"))
    forget_settings()
    return tmp_path / "key.pem.pub"


def publish(job_id: str, *, weights: str = "0" * 64, environment: Mapping[str, Any] = ENVIRONMENT) -> None:
    worker = Worker(job_id)
    worker.claim()
    stored = StoredFile(key="tests/weights", bytes=1, sha256=weights)
    content = Publication(stored, EVALUATION, exports=[], card="# pets\n", environment=environment)
    with transaction() as session:
        ledger.publish(session, worker.mine, content)


@pytest.fixture
def job(client: Client, dataset_id: str) -> Job:
    return client.jobs.create(dataset=dataset_id, name="pets", exports=[], seed=7)


@pytest.fixture
def file(job: Job, client: Client, key: Path, tmp_path: Path) -> Path:
    publish(job.id)
    path = tmp_path / "receipt.json"
    path.write_bytes(client.jobs.receipt(job.id).envelope)
    return path


def test_receipt_says_what_went_in_and_what_came_out(client: Client, job: Job, key: Path) -> None:
    with pytest.raises(NotFound, match="when it succeeds"):
        client.jobs.receipt(job.id)
    publish(job.id)
    found = client.jobs.receipt(job.id)
    content = found.content
    assert (content["seed"], content["spec"]["seed"], content["resolved"]["seed"]) == (7, 7, 7)
    assert content["dataset"]["digest"] == "0" * 64
    assert (content["environment"], content["weights"]["sha256"]) == (ENVIRONMENT, "0" * 64)
    assert content["model_id"] == client.jobs.get(job.id).model_id
    assert receipts.check(found, key.read_text())


def test_changed_receipt_is_refused(file: Path, key: Path, tmp_path: Path) -> None:
    told = json.loads(file.read_bytes())
    content = base64.b64decode(told["payload"]).replace(b'"seed": 7', b'"seed": 8')
    changed = receipts.read(json.dumps(told | {"payload": base64.b64encode(content).decode()}).encode())
    with pytest.raises(DamagedFile, match="not signed by this key"):
        receipts.check(changed, key.read_text())
    with pytest.raises(DamagedFile):
        receipts.check(receipts.read(json.dumps(told | {"signatures": []}).encode()), key.read_text())
    other = signing.create(tmp_path / "other.pem")
    with pytest.raises(DamagedFile):
        receipts.check(receipts.read(file.read_bytes()), other.pem)
    for envelope in (b"{}", b"x", json.dumps(told | {"payload": "?"}).encode(), b'{"payloadType": "other"}'):
        with pytest.raises(BadInput):
            receipts.read(envelope)


@pytest.mark.parametrize(("weights", "status"), [("0" * 64, 0), ("1" * 64, 1)])
def test_job_is_made_again_and_its_weights_are_compared(
    client: Client,
    file: Path,
    key: Path,
    job: Job,
    weights: str,
    status: int,
    api_key: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATCHSWAP_URL", client.url)
    monkeypatch.setenv("PATCHSWAP_API_KEY", api_key)
    newer = ENVIRONMENT | {"packages": {"torch": "2.14.0"}}

    def work() -> Job:
        while (again := next(client.jobs.list(full=True))).id == job.id:
            time.sleep(0.05)
        publish(again.id, weights=weights, environment=newer)
        return again

    with ThreadPoolExecutor() as pool:
        again = pool.submit(work)
        with pytest.raises(SystemExit) as left:
            main(["reproduce", str(file), "--key", str(key)])
    assert left.value.code == status
    assert again.result().spec["dataset"].startswith("dsv_")
    assert again.result().spec["seed"] == 7
    said = capsys.readouterr().out
    assert ("are the same bits" if status == 0 else "The weights differ") in said
    assert said.splitlines()[1:] == ['  environment.packages.torch: "2.13.0", now "2.14.0"']
