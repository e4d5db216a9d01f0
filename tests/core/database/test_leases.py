"""Claims are exclusive, and a writer that lost its claim changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import event, func, update

from core.database import leases
from core.database.database import engine, transaction
from core.errors import Fenced
from core.settings import settings
from core.tables import DatasetVersion, Job
from tests.worker import seed


@pytest.fixture
def job(database: str) -> Job:
    return seed.job(seed.version(seed.tenant()))


def claim(job_id: str, worker: str) -> Job | None:
    with transaction() as session:
        return leases.claim(session, Job, job_id, worker)


def test_of_ten_simultaneous_claims_one_succeeds(job):
    start = Barrier(10)

    def compete(number: int) -> Job | None:
        start.wait()
        return claim(job.id, f"worker-{number}")

    with ThreadPoolExecutor(10) as pool:
        won = [row for row in pool.map(compete, range(10)) if row]
    assert len(won) == 1
    row = seed.read(job.id)
    assert (row.worker, row.fence, row.attempts) == (won[0].worker, 1, 1)


def test_every_claim_has_a_higher_fence(job):
    fences = []
    for _ in range(3):
        fences.append(claim(job.id, "w").fence)
        with transaction() as session:
            leases.release(session, Job, job.id, fences[-1], status="queued")
    assert fences == [1, 2, 3]


@pytest.mark.parametrize("stale_fence", [0, 1, 3])
def test_write_under_another_fence_changes_nothing(job, stale_fence):
    claim(job.id, "a")
    with transaction() as session:
        session.execute(update(Job).values(fence=2))
    for write in (leases.write, leases.release):
        with pytest.raises(Fenced), transaction() as session:
            write(session, Job, job.id, stale_fence, phase="train")
    with pytest.raises(Fenced), transaction() as session:
        leases.renew(session, Job, job.id, stale_fence)
    assert seed.read(job.id).phase is None


def test_write_to_a_row_that_no_longer_runs_changes_nothing(job):
    claim(job.id, "a")
    with transaction() as session:
        session.execute(update(Job).values(status="cancelled"))
    with pytest.raises(Fenced), transaction() as session:
        leases.write(session, Job, job.id, 1, phase="train")
    assert seed.read(job.id).phase is None


def test_lease_expires_by_the_databases_clock(job):
    claim(job.id, "a")
    with transaction() as session:
        assert leases.expired(session, Job) == []
        session.execute(update(Job).values(lease_expires_at=func.now() - func.make_interval(0, 0, 0, 0, 0, 0, 1)))
        assert leases.expired(session, Job) == [job.id]
        assert leases.take_expired(session, Job, job.id).id == job.id


def test_no_clock_but_the_databases_has_a_part_in_a_lease(job):
    """A worker whose clock is an hour off would otherwise take rows too early, or never lose them."""
    given: list[object] = []
    listener = lambda _connection, _cursor, _sql, values, *_: given.extend(  # noqa: E731
        values.values() if isinstance(values, dict) else values
    )
    event.listen(engine(), "before_cursor_execute", listener)
    try:
        claimed = claim(job.id, "a")
        with transaction() as session:
            leases.renew(session, Job, job.id, claimed.fence)
            leases.expired(session, Job)
            leases.take_expired(session, Job, job.id)
    finally:
        event.remove(engine(), "before_cursor_execute", listener)
    assert timedelta(seconds=settings().lease_seconds) in given
    assert not [value for value in given if isinstance(value, datetime)]


def test_row_is_due_for_a_ring_once_per_interval(job):
    with transaction() as session:
        assert leases.due_for_ring(session, Job, older_than_seconds=60, limit=9) == []
        assert leases.due_for_ring(session, Job, older_than_seconds=0, limit=0) == []
    with transaction() as session:
        assert leases.due_for_ring(session, Job, older_than_seconds=0, limit=9) == [job.id]
        assert leases.due_for_ring(session, Job, older_than_seconds=60, limit=9) == []


def test_row_that_is_claimed_while_the_sweeper_looks_is_neither_touched_nor_rung(job):
    with transaction() as claiming:
        leases.claim(claiming, Job, job.id, "a")
        assert due_for_ring() == []
    assert seed.read(job.id).rung_at is None


def test_rows_that_are_due_at_every_look_keep_no_row_of_another_tenant_from_being_rung(job):
    crowd = [seed.job(job_version(job)).id for _ in range(11)]
    other = seed.job(seed.version(seed.tenant("others")))
    assert due_for_ring(limit=5)[:2] == [job.id, other.id]
    assert set(crowd) < {row_id for _ in range(4) for row_id in due_for_ring(limit=4)} | {job.id, other.id}


def test_rows_of_a_tenant_are_rung_in_turn(job):
    crowd = [job.id, *(seed.job(job_version(job)).id for _ in range(5))]
    assert [due_for_ring(limit=2) for _ in range(4)] == [crowd[:2], crowd[2:4], crowd[4:], crowd[:2]]


def due_for_ring(limit: int = 10) -> list[str]:
    with transaction() as session:
        return leases.due_for_ring(session, Job, older_than_seconds=0, limit=limit)


def job_version(job: Job) -> DatasetVersion:
    with transaction() as session:
        return session.get_one(DatasetVersion, job.dataset_version_id)
