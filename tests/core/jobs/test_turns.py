"""Tenants take turns, whoever came first; a tenant's own jobs come by priority, then by age."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from core.database.database import transaction
from core.jobs import ledger, turns
from core.jobs.ledger import Claim
from core.tables import DatasetVersion, Job, Tenant
from tests.conftest import forget_settings
from tests.worker import seed


@pytest.fixture
def ours(database: str) -> DatasetVersion:
    return seed.version(seed.tenant("ours"))


@pytest.fixture
def theirs(database: str) -> DatasetVersion:
    return seed.version(seed.tenant("theirs"))


def claim() -> Job | None:
    with transaction() as session:
        return ledger.claim_next(session, "w")


def end(job: Job) -> None:
    with transaction() as session:
        ledger.end(session, Claim(job.id, job.fence, "w"), "failed", reason="made so")


def served(count: int) -> list[str]:
    """By one worker, one job after the other: whose."""
    tenants = []
    for _ in range(count):
        job = claim()
        tenants.append(job.tenant_id)
        end(job)
    return tenants


def test_tenant_with_one_job_is_served_next_however_many_wait_of_another(ours, theirs):
    for _ in range(30):
        seed.job(ours)
    assert served(3) == [ours.tenant_id] * 3
    seed.job(theirs)
    assert served(3) == [theirs.tenant_id, ours.tenant_id, ours.tenant_id]


def test_tenants_with_many_jobs_take_turns(ours, theirs):
    for version in (ours, theirs):
        for _ in range(4):
            seed.job(version)
    found = served(8)
    assert set(zip(found[::2], found[1::2], strict=True)) in (
        {(ours.tenant_id, theirs.tenant_id)},
        {(theirs.tenant_id, ours.tenant_id)},
    )


def test_tenant_with_fewer_running_jobs_comes_first(ours, theirs):
    for _ in range(4):
        seed.job(ours)
    assert {claim().tenant_id for _ in range(3)} == {ours.tenant_id}
    for _ in range(3):
        seed.job(theirs)
    assert [claim().tenant_id for _ in range(3)] == [theirs.tenant_id] * 3


def test_tenant_with_all_that_may_run_is_passed_over(ours, theirs, monkeypatch):
    monkeypatch.setenv("PATCHSWAP_QUOTA_RUNNING_JOBS", "2")
    forget_settings()
    for _ in range(5):
        seed.job(ours)
    seed.job(theirs)
    assert sorted(claim().tenant_id for _ in range(3)) == sorted([ours.tenant_id, ours.tenant_id, theirs.tenant_id])
    assert claim() is None
    with transaction() as session:
        assert turns.claimable(session) == 0


def test_only_jobs_that_may_run_are_claimable(ours, theirs, monkeypatch):
    monkeypatch.setenv("PATCHSWAP_QUOTA_RUNNING_JOBS", "3")
    forget_settings()
    with transaction() as session:
        assert turns.claimable(session) == 0
    for _ in range(5):
        seed.job(ours)
    seed.job(theirs)
    claim()
    with transaction() as session:
        assert turns.claimable(session) == 4 - 1


def test_jobs_of_a_tenant_come_by_priority_then_by_age(ours):
    jobs = [seed.job(ours).id for _ in range(4)]
    with transaction() as session:
        session.execute(update(Job).where(Job.id == jobs[2]).values(priority=5))
        session.execute(update(Job).where(Job.id == jobs[0]).values(priority=-1))
    assert [claim().id for _ in range(4)] == [jobs[2], jobs[1], jobs[3], jobs[0]]


def test_tenant_that_a_stopped_claim_holds_is_passed_over(ours, theirs):
    seed.job(ours)
    other = seed.job(theirs)
    with transaction() as stopped:
        stopped.execute(select(Tenant.id).where(Tenant.id == ours.tenant_id).with_for_update(key_share=True))
        assert claim().id == other.id


def test_job_that_a_stopped_verb_holds_is_passed_over(ours):
    held, free = seed.job(ours), seed.job(ours)
    with transaction() as stopped:
        stopped.execute(select(Job.id).where(Job.id == held.id).with_for_update())
        assert claim().id == free.id


def test_of_many_claims_at_once_each_has_a_job_of_its_own(ours):
    jobs = {seed.job(ours).id for _ in range(8)}
    with ThreadPoolExecutor(8) as pool:
        assert {job.id for job in pool.map(lambda _: claim(), range(8)) if job} == jobs


def test_nothing_waits(ours):
    assert claim() is None
