"""A suspended tenant runs nothing: running jobs pause at a checkpoint, queued work waits, and both go on later."""

from __future__ import annotations

import pytest

from core.accounts import quotas
from core.database import short_turns
from core.database.database import transaction
from core.errors import NotFound
from core.jobs import ledger, requests, suspension, turns
from core.jobs.suspension import StillStopping
from core.tables import DatasetVersion, Tenant
from tests.api import made
from tests.worker import seed


@pytest.fixture
def version(database: str) -> DatasetVersion:
    return seed.version(seed.tenant())


def suspend(version: DatasetVersion, reason: str = "unpaid") -> list[str]:
    with transaction() as session:
        return suspension.suspend(session, version.tenant_id, reason=reason)[1]


def resume(version: DatasetVersion) -> suspension.Resumed:
    with transaction() as session:
        return suspension.resume(session, version.tenant_id)[1]


def statuses(*job_ids: str) -> list[str]:
    return [seed.read(job_id).status for job_id in job_ids]


def test_running_jobs_pause_and_queued_ones_are_not_claimed(version: DatasetVersion):
    waiting, (running, claim) = seed.job(version), made.running_job(version)
    assert suspend(version) == [running.id]
    assert suspend(version, "still unpaid") == []
    with transaction() as session:
        assert ledger.record(session, claim).pause
        ledger.end(session, claim, "paused", reason="paused by request")
    with transaction() as session:
        assert ledger.claim_next(session, "w") is None
        assert ledger.claim(session, waiting.id, "w") is None
        assert turns.claimable(session) == 0
    assert statuses(waiting.id, running.id) == ["queued", "paused"]
    assert resume(version).job_ids == [running.id]
    assert statuses(waiting.id, running.id) == ["queued", "queued"]
    with transaction() as session:
        assert turns.claimable(session) == 2
        assert session.get_one(Tenant, version.tenant_id).suspended_reason is None


def test_jobs_that_customers_paused_or_ended_stay_so(version: DatasetVersion):
    paused, (asked, asked_claim), (cancelled, _) = (
        seed.job(version),
        made.running_job(version),
        made.running_job(version),
    )
    with transaction() as session:
        requests.pause(session, version.tenant_id, paused.id)
        requests.pause(session, version.tenant_id, asked.id)
        requests.cancel(session, version.tenant_id, cancelled.id)
    assert suspend(version) == []
    with transaction() as session:
        ledger.end(session, asked_claim, "paused", reason="paused by request")
    assert resume(version).job_ids == []
    assert statuses(paused.id, asked.id) == ["paused", "paused"]


def test_resuming_waits_for_jobs_that_still_save(version: DatasetVersion):
    job, claim = made.running_job(version)
    suspend(version)
    with pytest.raises(StillStopping):
        resume(version)
    with transaction() as session:
        assert session.get_one(Tenant, version.tenant_id).suspended_reason == "unpaid"
        ledger.crash(session, claim, reason="killed")  # before it could save: paused all the same
    assert statuses(job.id) == ["paused"]
    assert resume(version).job_ids == [job.id]


def test_job_that_cannot_be_queued_stays_paused_and_says_why(version: DatasetVersion, monkeypatch: pytest.MonkeyPatch):
    job, claim = made.running_job(version)
    suspend(version)
    with transaction() as session:
        ledger.end(session, claim, "paused", reason="paused by request")
    monkeypatch.setattr(quotas, "jobs", lambda *_, **__: 10**9)
    found = resume(version)
    assert (found.job_ids, list(found.refused)) == ([], [job.id])
    assert "quota of queued jobs" in found.refused[job.id]


def test_short_work_of_a_suspended_tenant_waits(version: DatasetVersion):
    _, model, _ = made.published_job(version)
    made.export(model, "queued")
    with transaction() as session:
        assert len(list(short_turns.candidates(session, device=None))) == 1
    suspend(version)
    with transaction() as session:
        assert list(short_turns.candidates(session, device=None)) == []


def test_nobody_of_this_name_is_said(database: str):
    with transaction() as session, pytest.raises(NotFound, match="There is no tenant nobody"):
        suspension.suspend(session, "nobody", reason="r")
