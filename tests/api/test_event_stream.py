"""`GET /v1/events/stream`: what happens to all jobs of a tenant, and to nobody else's, from now on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from api.routes import event_stream
from core.accounts import keys
from core.database.database import transaction
from core.jobs import curves
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.worker import seed

Told = tuple[str, dict[str, Any]]


@contextmanager
def listening(caller: Caller) -> Iterator[Iterator[Told]]:
    """What comes after `ready`."""
    with caller.http.stream("GET", "/v1/events/stream", timeout=30) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        found = messages(response.iter_lines())
        name, _ = next(found)
        assert name == "ready"
        yield found


def messages(lines: Iterator[str]) -> Iterator[Told]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def until(found: Iterator[Told], name: str) -> dict[str, Any]:
    return next(data for kind, data in found if kind == name)


def test_events_of_new_and_old_jobs_come_with_their_job(ours: Caller, version: DatasetVersion):
    old = seed.job(version)
    with listening(ours) as found:
        ours.post(f"/v1/jobs/{old.id}/cancel")
        cancelled = until(found, "status")
        new = ours.post("/v1/jobs", {"dataset": version.id}).json()["id"]
        queued = until(found, "status")
    assert (cancelled["job_id"], cancelled["data"]["status"]) == (old.id, "cancelled")
    assert (queued["job_id"], queued["seq"], queued["data"]["status"]) == (new, 1, "queued")
    kept = ours.get(f"/v1/jobs/{new}/events").json()["data"][0]
    assert queued == {"job_id": new} | kept


def test_what_was_before_does_not_come_again(ours: Caller, version: DatasetVersion):
    job = seed.job(version)
    ours.post(f"/v1/jobs/{job.id}/pause")
    with listening(ours) as found:
        ours.post(f"/v1/jobs/{job.id}/resume")
        assert until(found, "status")["data"]["status"] == "queued"


def test_points_and_progress_come_as_they_are_written(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    with transaction() as session:
        curves.record(session, job.id, step=1, epoch=0, values={"train.loss": 2.0})
    with listening(ours) as found:
        with transaction() as session:
            curves.record(session, job.id, step=2, epoch=1, values={"train.loss": float("inf"), "val.nll": 1.5})
        made.progress(claim, fraction=0.5, updated_at="2026-01-01T00:00:00Z")
        points, progress = until(found, "metrics"), until(found, "progress")
    assert points == {
        "job_id": job.id,
        "points": [
            {"key": "train.loss", "step": 2, "epoch": 1, "value": None},
            {"key": "val.nll", "step": 2, "epoch": 1, "value": 1.5},
        ],
    }
    assert (progress["job_id"], progress["data"]["fraction"], progress["live"]) == (job.id, 0.5, True)


def test_other_tenants_hear_nothing(ours: Caller, theirs: Caller, version: DatasetVersion):
    with listening(theirs) as found:
        ours.post("/v1/jobs", {"dataset": version.id})
        own = seed.job(seed.version(theirs.tenant_id))
        assert until(found, "status")["job_id"] == own.id


def test_heartbeats_are_events_and_a_revoked_key_ends_the_stream(
    ours: Caller, server: object, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.2)
    with listening(ours) as found:
        assert "at" in until(found, "heartbeat")
        key_id = ours.get("/v1/me").json()["key_id"]
        with transaction() as session:
            keys.revoke(session, ours.tenant_id, key_id)
        assert all(name == "heartbeat" for name, _ in found)  # and it ends


def test_all_listeners_hear_the_same(ours: Caller, version: DatasetVersion):
    with listening(ours) as one, listening(ours) as other:
        heard: list[str] = []
        thread = threading.Thread(target=lambda: heard.append(until(other, "status")["job_id"]))
        thread.start()
        job = seed.job(version)
        thread.join(20)
        assert heard == [job.id]
        assert until(one, "status")["job_id"] == job.id
