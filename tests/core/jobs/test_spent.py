"""What a job used of its limits, read from the ledger."""

from __future__ import annotations

import pytest
from sqlalchemy import text, update

from core.database.database import transaction
from core.jobs import ledger, requests, spent
from core.jobs.ledger import Claim
from core.jobs.spent import Spent
from core.tables import Job, JobAttempt
from tests.worker import seed


def read(job_id: str) -> Spent:
    with transaction() as session:
        return spent.read(session, session.get_one(Job, job_id))


def lose_an_attempt(job_id: str, *, seconds: int, gpu_seconds: float) -> None:
    """As a crashed worker leaves it."""
    with transaction() as session:
        claimed = ledger.claim(session, job_id, "w")
        assert claimed is not None
        claim = Claim(job_id, claimed.fence, "w")
        ledger.record(session, claim, gpu_seconds=gpu_seconds)
        ledger.crash(session, claim, reason="gone")
    with transaction() as session:
        earlier = JobAttempt.started_at - text(f"interval '{seconds} s'")
        session.execute(
            update(JobAttempt)
            .where(JobAttempt.fence == claim.fence, JobAttempt.job_id == job_id)
            .values(started_at=earlier)
        )


@pytest.mark.usefixtures("database")
def test_lost_attempts_count_and_a_resume_begins_anew():
    job = seed.job(seed.version(seed.tenant()))
    assert read(job.id) == Spent(0, 0)
    lose_an_attempt(job.id, seconds=40, gpu_seconds=30)
    lose_an_attempt(job.id, seconds=2, gpu_seconds=1)
    assert read(job.id) == (pytest.approx(42, abs=1), 31)
    with transaction() as session:
        requests.pause(session, job.tenant_id, job.id)
        requests.resume(session, job.tenant_id, job.id)
    assert read(job.id) == Spent(0, 0)
    lose_an_attempt(job.id, seconds=0, gpu_seconds=5)
    assert read(job.id) == (pytest.approx(0, abs=1), 5)
