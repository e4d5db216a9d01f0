"""`GET /v1/audit`: every change has an entry with its key and its request, and no entry ever changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core.database.database import transaction
from core.tables import AuditEntry, DatasetVersion, Job, JobEvent
from tests.api import made
from tests.api.serving import Caller, Server, caller
from tests.api.test_get_comparison import create
from tests.worker import seed, sweeping

CONTENT = b"an archive"
Told = tuple[str, str, str]


@pytest.fixture
def changes(ours: Caller) -> Iterator[list[Told]]:
    """Method, path and request id of each request that was answered 2xx, and is no GET."""
    seen: list[Told] = []

    def note(answer: httpx.Response) -> None:
        if answer.request.method != "GET" and answer.is_success:
            seen.append((answer.request.method, answer.request.url.path, answer.headers["X-Request-ID"]))

    ours.http.event_hooks["response"].append(note)
    yield seen
    ours.http.event_hooks["response"].clear()


def log(of: Caller) -> list[Told]:
    """Oldest first."""
    entries = of.get("/v1/audit", params={"order": "asc", "limit": 200}).json()["data"]
    return [(entry["method"], entry["path"], entry["request_id"]) for entry in entries]


def test_every_change_of_any_kind_has_its_entry(ours: Caller, version: DatasetVersion, changes: list[Told]):
    sha256 = hashlib.sha256(CONTENT * 2).hexdigest()
    upload = ours.post("/v1/uploads", {"bytes": 20, "sha256": sha256, "media_type": "application/zip"}).json()
    assert ours.put(f"/v1/uploads/{upload['id']}/parts/1", content=CONTENT * 2).status_code == 204
    changes.pop()  # a part is an object, no row: what it became is told by the completion
    ours.post(f"/v1/uploads/{upload['id']}/complete")
    dataset = ours.post("/v1/datasets", {"name": "d", "upload_id": upload["id"]}).json()
    ours.delete(f"/v1/datasets/{dataset['id']}")
    job = ours.post("/v1/jobs", {"dataset": version.id}).json()["id"]
    for verb in ("pause", "resume", "cancel", "retry", "cancel"):
        assert ours.post(f"/v1/jobs/{job}/{verb}").status_code == 200
    assert ours.post(f"/v1/jobs/{job}/clone").status_code == 202
    assert ours.delete(f"/v1/jobs/{job}").status_code == 204
    running, claim = made.running_job(version)
    checkpoint = made.checkpoint(claim)
    for verb in ("pin", "unpin"):
        assert ours.post(f"/v1/jobs/{running.id}/checkpoints/{checkpoint}/{verb}").status_code == 200
    _, model, _ = made.published_job(version)
    assert ours.post(f"/v1/models/{model.id}/exports", {"format": "onnx"}).is_success
    comparison = create(ours, version)["links"]["self"]
    ours.post(f"{comparison}/cancel")
    assert ours.delete(comparison).status_code == 204
    sweep = ours.post("/v1/sweeps", sweeping.body(version)).json()["id"]
    ours.post(f"/v1/sweeps/{sweep}/cancel")
    assert ours.delete(f"/v1/sweeps/{sweep}").status_code == 204
    key = ours.post("/v1/api_keys", {"name": "k"}).json()["id"]
    assert ours.delete(f"/v1/api_keys/{key}").status_code == 204
    webhook = ours.post("/v1/webhooks", {"url": "https://example.com/hook"}).json()["links"]["self"]
    delivery = ours.post(f"{webhook}/ping").json()["id"]
    ours.post(f"{webhook}/deliveries/{delivery}/redeliver")
    ours.post(f"{webhook}/rotate_secret", {})
    ours.http.patch(webhook, json={"enabled": False})
    assert ours.delete(webhook).status_code == 204
    assert len(changes) >= 27
    assert log(ours) == changes


def test_what_changes_nothing_has_no_entry(ours: Caller, version: DatasetVersion):
    key = {"headers": {"Idempotency-Key": "once"}}
    job = ours.post("/v1/jobs", {"dataset": version.id}, **key).json()["id"]
    before = log(ours)
    assert len(before) == 1
    ours.post("/v1/jobs", {"dataset": version.id}, **key)  # the kept answer
    ours.post("/v1/jobs/validate", {"dataset": version.id}, headers={"Idempotency-Key": "other"})
    ours.post("/v1/jobs", {"dataset": "ds_unknown"})
    ours.post(f"/v1/jobs/{job}/resume")  # it waits already
    ours.get(f"/v1/jobs/{job}")
    ours.delete(f"/v1/jobs/{job}")  # 409
    assert log(ours) == before


def test_entry_names_the_key_and_a_tenant_sees_only_its_own(
    server: Server, ours: Caller, theirs: Caller, version: DatasetVersion
):
    writer = caller(server.url, "ours", ("write",))
    writer.post("/v1/jobs", {"dataset": version.id}, headers={"X-Request-ID": "sent-by-the-client"})
    (entry,) = ours.get("/v1/audit").json()["data"]
    assert (entry["request_id"], entry["method"], entry["path"]) == ("sent-by-the-client", "POST", "/v1/jobs")
    assert ours.get(f"/v1/api_keys/{entry['key_id']}").json()["scopes"] == ["write"]
    assert log(theirs) == []
    assert writer.get("/v1/audit").status_code == 403


def test_events_of_a_job_name_the_request(ours: Caller, version: DatasetVersion):
    submitted = ours.post("/v1/jobs", {"dataset": version.id})
    job_id, request_id = submitted.json()["id"], submitted.headers["X-Request-ID"]
    cancelled = ours.post(f"/v1/jobs/{job_id}/cancel").headers["X-Request-ID"]
    retried = ours.post(f"/v1/jobs/{job_id}/retry").headers["X-Request-ID"]
    with transaction() as session:
        events = session.scalars(select(JobEvent.data).where(JobEvent.job_id == job_id).order_by(JobEvent.seq)).all()
        assert session.get_one(Job, job_id).request_id == retried
    assert list(dict.fromkeys(event["request_id"] for event in events)) == [request_id, cancelled, retried]
    assert seed.job(version).request_id is None


@pytest.mark.parametrize("change", ["UPDATE audit_log SET key_id = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"])
def test_log_cannot_be_altered(ours: Caller, version: DatasetVersion, change: str):
    ours.post("/v1/jobs", {"dataset": version.id})
    with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
        session.execute(text(change))
    with transaction() as session:
        assert session.query(AuditEntry).count() == 1
