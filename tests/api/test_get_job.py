"""`GET /v1/jobs/{id}`: the page that is polled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from api.schemas.jobs import Job
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.worker import seed


def test_page_has_exactly_the_documented_fields(ours: Caller, version: DatasetVersion):
    for job_id in (seed.job(version).id, made.running_job(version)[0].id, made.published_job(version)[0].id):
        body = ours.get(f"/v1/jobs/{job_id}").json()
        job = Job.model_validate(body)
        assert set(body) == set(Job.model_fields)
        assert set(body["progress"]) == set(type(job.progress).model_fields)


def test_queued_job_tells_its_place_and_the_cadence_for_polls(ours: Caller, version: DatasetVersion):
    first, second = seed.job(version), seed.job(version)
    answer = ours.get(f"/v1/jobs/{second.id}")
    assert answer.json()["queue"] == {"position": 2}
    assert int(answer.headers["Retry-After"]) >= 1
    made.ended_job(version)
    assert ours.post(f"/v1/jobs/{first.id}/cancel").status_code == 200
    assert ours.get(f"/v1/jobs/{second.id}").json()["queue"] == {"position": 1}


def test_place_in_the_queue_is_among_the_tenants_own_jobs_by_priority_then_age(
    ours: Caller, theirs: Caller, version: DatasetVersion
):
    seed.job(seed.version(theirs.tenant_id))
    jobs = [seed.job(version, priority=priority).id for priority in (0, 5, 0, -5)]
    assert [ours.get(f"/v1/jobs/{job_id}").json()["queue"]["position"] for job_id in jobs] == [2, 1, 3, 4]


def test_unchanged_job_is_304_until_anything_changes(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    path = f"/v1/jobs/{job.id}"
    tag = ours.get(path).headers["ETag"]
    again = ours.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    made.progress(claim, epoch=1, epochs=2, step=5, steps=20, fraction=0.25)
    changed = ours.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.json()["progress"]["step"] == 5
    made.events(claim, 1)
    assert ours.get(path, headers={"If-None-Match": changed.headers["ETag"]}).status_code == 200


def test_progress_says_when_the_job_will_be_done(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    now = datetime.now(UTC)
    made.progress(
        claim, epoch=1, epochs=2, step=5, steps=20, fraction=0.25, eta_seconds=90, updated_at=now.isoformat(), best=None
    )
    progress = ours.get(f"/v1/jobs/{job.id}").json()["progress"]
    assert progress["eta_seconds"] == 90
    assert datetime.fromisoformat(progress["estimated_finish"]) == now + timedelta(seconds=90)
    assert progress["stale"] is False


def test_silent_worker_makes_progress_stale_without_any_write(ours: Caller, version: DatasetVersion, database: str):
    job, _ = made.running_job(version)
    path = f"/v1/jobs/{job.id}"
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("UPDATE jobs SET lease_expires_at = now() + interval '600 ms' WHERE id = %s", [job.id])
        before = ours.get(path)
        connection.execute("SELECT pg_sleep(0.8)")
    after = ours.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert (before.json()["progress"]["stale"], after.json()["progress"]["stale"]) == (False, True)


def test_attempts_and_transitions_tell_the_story(ours: Caller, version: DatasetVersion):
    job = made.ended_job(version, "failed")
    body = ours.get(f"/v1/jobs/{job.id}").json()
    assert [(t["status"], t["reason"]) for t in body["transitions"]] == [
        ("queued", "submitted"),
        ("running", "attempt 1 on worker-1"),
        ("failed", "made so"),
    ]
    assert [(a["number"], a["worker"], a["outcome"]) for a in body["attempts"]] == [(1, "worker-1", "failed")]
    assert body["latest_event_seq"] >= 4
    assert body["progress"]["eta_seconds"] is None


def test_every_poll_sees_what_was_committed_before_it(ours: Caller, version: DatasetVersion):
    """Batched reads must not answer a request from before it was asked."""
    job, claim = made.running_job(version)
    with ThreadPoolExecutor(8) as pool:
        noise = [pool.submit(lambda: [ours.get(f"/v1/jobs/{job.id}") for _ in range(30)]) for _ in range(8)]
        for step in range(1, 31):
            made.progress(claim, epoch=1, epochs=2, step=step, steps=40)
            assert ours.get(f"/v1/jobs/{job.id}").json()["progress"]["step"] == step
        for future in noise:
            assert {answer.status_code for answer in future.result()} == {200}


@pytest.mark.parametrize(
    "job_id", ["job_" + "0" * 32, "job_x", "x" * 5000, "job_%00", "job_" + "0" * 31 + "%F0%9F%98%80", "..%2Fdatasets"]
)
def test_what_is_no_id_is_not_found(ours: Caller, job_id: str):
    answer = ours.get(f"/v1/jobs/{job_id}")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
