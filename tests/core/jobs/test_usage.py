"""Usage adds up: over any history of attempts, whichever process died, and after the job is deleted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from core.database.database import transaction
from core.errors import Invalid
from core.jobs import ledger, requests, usage, usage_totals
from core.jobs.ledger import Claim
from core.jobs.usage import Kept, Split, split
from core.store.storage import StoredFile
from core.tables import Job, JobAttempt, UsageRecord
from tests.worker import seed

seconds = st.floats(0, 1e7, allow_nan=False)
attempts = st.tuples(seconds, seconds, st.one_of(st.none(), st.builds(Kept, seconds, seconds)))
TODAY = usage_totals.period(None, None)


@given(st.lists(attempts, max_size=12))
def test_wall_time_is_useful_lost_or_waiting_over_every_history(history: list[tuple[float, float, Kept | None]]):
    splits = [split(*attempt) for attempt in history]
    assert all(min(each) >= 0 for each in splits)
    walls = sum(wall for wall, _, _ in history)
    assert sum(map(sum, splits)) == pytest.approx(walls, rel=1e-9, abs=1e-6)
    for (_, trainer_seconds, kept), each in zip(history, splits, strict=True):
        assert each.useful_seconds <= trainer_seconds
        assert each.lost_seconds == 0 or kept is not None


@given(seconds, st.builds(Kept, seconds, seconds), seconds, seconds)
def test_it_does_not_matter_which_process_died(wall: float, kept: Kept, one_more: float, other_more: float):
    """A trainer's death is noticed at once and counted to the end, a worker's only up to its last renewal."""
    by_worker = split(wall, kept.trainer_seconds + one_more, kept)
    assert split(wall, kept.trainer_seconds + other_more, kept) == by_worker


def test_what_came_after_the_newest_checkpoint_is_lost_with_the_silence():
    assert split(100, 70) == Split(70, 0, 30)
    assert split(100, 70, Kept(40, 30)) == Split(30, 60, 10)
    assert split(100, 70, usage.NOTHING) == Split(0, 100, 0)


def begin(job: Job, *, seconds_ago: int) -> Claim:
    with transaction() as session:
        row = ledger.claim(session, job.id, "w")
        assert row is not None
        earlier = JobAttempt.started_at - text(f"interval '{seconds_ago} s'")
        open_one = update(JobAttempt).where(JobAttempt.job_id == job.id, JobAttempt.ended_at.is_(None))
        session.execute(open_one.values(started_at=earlier))
        return Claim(row.id, row.fence, "w")


def trained(claim: Claim, trainer_seconds: float) -> None:
    with transaction() as session:
        ledger.record(session, claim, gpu_seconds=trainer_seconds, progress={"device": "cuda:0", "step": 1, "steps": 9})


def stored(claim: Claim, kept: Kept, *, step: int) -> None:
    file = StoredFile(f"jobs/{claim.job_id}/{claim.fence}/checkpoints/main/step-{step:06}.ckpt", 1, "0" * 64)
    with transaction() as session:
        ledger.record_checkpoint(session, claim, file, arm="main", step=step, epoch=1, best=False, figures={})
        usage.keep(session, claim.job_id, claim.fence, kept)


def fell_silent(claim: Claim) -> None:
    with transaction() as session:
        session.execute(update(Job).values(lease_expires_at=text("now() - interval '1 s'")))
        seed.take_back_silent(session)


def crashed(claim: Claim) -> None:
    with transaction() as session:
        ledger.crash(session, claim, reason="killed")


def records(job: Job) -> list[UsageRecord]:
    with transaction() as session:
        found = select(UsageRecord).where(UsageRecord.job_id == job.id).order_by(UsageRecord.attempt)
        return list(session.scalars(found))


@pytest.fixture
def job(database: str) -> Job:
    return seed.job(seed.version(seed.tenant()), labels={"project": "line-3"})


@pytest.mark.parametrize("died", [crashed, fell_silent])
def test_killed_trainer_and_killed_worker_lose_the_same(job: Job, died):
    claim = begin(job, seconds_ago=100)
    trained(claim, 70)
    stored(claim, Kept(40, 30), step=10)
    stored(claim, Kept(20, 10), step=5)  # a best one, stored after a newer one
    died(claim)
    (record,) = records(job)
    assert (record.useful_seconds, record.waiting_seconds) == (30, 10)
    assert record.lost_seconds == pytest.approx(60, abs=5)
    assert (record.project, record.device, record.devices) == ("line-3", "cuda", 1)
    assert seed.read(job.id).platform_fault_seconds == record.lost_seconds


def test_each_attempt_counts_its_own_trainer_only(job: Job):
    first = begin(job, seconds_ago=50)
    trained(first, 30)
    with transaction() as session:
        ledger.give_back(session, first, outcome="shutdown", reason="the worker shuts down")
    second = begin(job, seconds_ago=20)
    trained(second, 12)
    with transaction() as session:
        ledger.end(session, second, "cancelled", reason="cancelled by request")
    lost, kept = records(job)
    assert (lost.useful_seconds, lost.waiting_seconds) == (0, 0)
    assert (kept.useful_seconds, kept.lost_seconds) == (12, 0)
    assert kept.waiting_seconds == pytest.approx(8, abs=5)


def test_totals_stay_when_the_job_is_deleted_and_are_the_tenants_own(job: Job):
    claim = begin(job, seconds_ago=20)
    trained(claim, 12)
    with transaction() as session:
        ledger.end(session, claim, "cancelled", reason="cancelled by request")
        requests.delete(session, job.tenant_id, job.id)
    with transaction() as session:
        rows, total = usage_totals.read(session, job.tenant_id, TODAY, ("day", "project", "device"))
        nothing, none = usage_totals.read(session, seed.tenant("others"), TODAY, ("day",))
    (row,) = rows
    assert (row["project"], row["device"], row["jobs"], row["attempts"]) == ("line-3", "cuda", 1, 1)
    assert (row["useful_seconds"], total["device_seconds"]) == (12, 12)
    assert (nothing, none["attempts"]) == ([], 0)


def test_periods_and_groups_that_make_no_sense_are_refused():
    day = date(2026, 11, 1)
    with pytest.raises(Invalid, match="must be before"):
        usage_totals.period(day, day)
    with pytest.raises(Invalid, match="at most 366 days"):
        usage_totals.period(day, day + timedelta(days=367))
    with pytest.raises(Invalid, match="There is no group `tenant`"):
        usage_totals.groups("day,tenant")
    assert usage_totals.groups("device,day,day") == ("day", "device")


@pytest.mark.parametrize(
    ("named", "expected"),
    [("cpu (x86_64, 2 threads)", "cpu"), ("cuda:0", "cuda"), ("NVIDIA H200", "cuda"), (None, None)],
)
def test_the_kind_of_a_device_is_read_from_what_a_trainer_calls_it(named: str | None, expected: str | None):
    assert usage.kind({"device": named} if named else {}) == expected
