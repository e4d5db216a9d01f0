"""What an attempt used. Its wall time is useful, lost to the platform, or waiting; nothing else, and nothing twice.

Each attempt that ends leaves one record, in the transaction that ends it. Records outlive their jobs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from core.tables import Job, JobAttempt, UsageRecord

PROJECT = "project"  # the label that totals are grouped by


@dataclass(frozen=True)
class Kept:
    """An attempt as it was when a checkpoint was written: what came before is kept, whatever happens."""

    wall_seconds: float = 0.0
    trainer_seconds: float = 0.0


NOTHING = Kept()


class Split(NamedTuple):
    useful_seconds: float  # a trainer ran, and its work was kept or ended with the job
    lost_seconds: float  # from the newest stored checkpoint until the platform's fault was made good
    waiting_seconds: float  # the rest: downloads, uploads, publishing, starting


def split(wall_seconds: float, trainer_seconds: float, kept: Kept | None = None) -> Split:
    """The wall time of an attempt. `kept`: where the platform ended it, what was stored by then.

    It does not matter which process died: all that came after `kept` is lost, whoever noticed, and however late.
    """
    wall = max(0.0, wall_seconds)
    until = wall if kept is None else min(max(0.0, kept.wall_seconds), wall)
    trained = trainer_seconds if kept is None else min(trainer_seconds, kept.trainer_seconds)
    useful = min(max(0.0, trained), until)
    return Split(useful, wall - until, until - useful)


def devices(resolved: dict[str, Any]) -> int:
    """How many a trainer of this spec holds, also while only one of them works."""
    return int(resolved.get("training", {}).get("devices", 1))


def kind(progress: dict[str, Any]) -> str | None:
    """Cpu or cuda; None before a trainer has named its device, as `cpu (x86_64, 2 threads)` or by a GPU's name."""
    named: str | None = progress.get("device")
    if not named:
        return None
    return "cpu" if named.startswith("cpu") else "cuda"


def keep(session: Session, job_id: str, fence: int, kept: Kept) -> None:
    """A checkpoint of this attempt was stored, a best one maybe after a newer one. The caller holds the job's row."""
    session.execute(
        update(JobAttempt)
        .where(JobAttempt.job_id == job_id, JobAttempt.fence == fence)
        .values(
            kept_seconds=func.greatest(JobAttempt.kept_seconds, kept.wall_seconds),
            kept_trainer_seconds=func.greatest(JobAttempt.kept_trainer_seconds, kept.trainer_seconds),
        )
    )


def close(session: Session, job: Job, outcome: str, *, by_platform: bool) -> None:
    """End the job's open attempt and record what it used. The caller holds the row's lock."""
    ended = (
        update(JobAttempt)
        .where(JobAttempt.job_id == job.id, JobAttempt.ended_at.is_(None))
        .values(ended_at=func.now(), outcome=outcome)
        .returning(JobAttempt)
        .execution_options(populate_existing=True)
    )
    for attempt in session.scalars(ended).all():
        record = _record(job, attempt, by_platform=by_platform)
        job.platform_fault_seconds += record.lost_seconds
        session.add(record)


def _record(job: Job, attempt: JobAttempt, *, by_platform: bool) -> UsageRecord:
    assert attempt.ended_at is not None  # noqa: S101 - as `close` wrote it
    kept = Kept(attempt.kept_seconds, attempt.kept_trainer_seconds) if by_platform else None
    wall_seconds = (attempt.ended_at - attempt.started_at).total_seconds()
    return UsageRecord(
        job_id=job.id,
        attempt=attempt.number,
        tenant_id=job.tenant_id,
        project=job.labels.get(PROJECT),
        device=kind(job.progress),
        devices=devices(job.resolved),
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        outcome=attempt.outcome,
        **split(wall_seconds, job.gpu_seconds - attempt.trainer_seconds_before, kept)._asdict(),
    )
