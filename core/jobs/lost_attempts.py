"""What becomes of a job whose attempt ended without a result: one place decides, for workers and the sweeper."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.database.leases import POISON
from core.jobs import events, usage
from core.settings import settings
from core.tables import Job, JobEvent
from core.tables.states import TERMINAL

BY_REQUEST = "cancelled by request"


def end_attempt(session: Session, job: Job, *, outcome: str, reason: str) -> str:
    """Queued again; or ended, where it was cancelled, is poison, or was to be paused. Gives the new status.

    The caller holds the row's lock. An attempt is poison's when it is counted, see `Leased.attempts`.
    """
    usage.close(session, job, outcome, by_platform=True)
    job.worker = job.lease_expires_at = job.rung_at = None
    if job.cancel_requested_at is not None:
        move(session, job, "cancelled", reason=f"{why_cancelled(session, job)}; {reason}")
    elif job.attempts >= settings().max_attempts:
        error = POISON.model_copy(update={"message": f"{POISON.message}; the last time: {reason}"})
        job.error = error.model_dump()
        move(session, job, "failed", reason="poison")
    elif job.pause_requested_at is not None:
        move(session, job, "paused", reason=f"paused by request; {reason}")
    else:
        move(session, job, "queued", reason=reason)
    return job.status


def why_cancelled(session: Session, job: Job) -> str:
    """What whoever asked for the end gave as its reason."""
    asked = (
        select(JobEvent.data["reason"].astext)
        .where(JobEvent.job_id == job.id, JobEvent.type == "request", JobEvent.data["verb"].astext == "cancel")
        .order_by(JobEvent.seq.desc())
        .limit(1)
    )
    return session.scalars(asked).one_or_none() or BY_REQUEST


def move(session: Session, job: Job, status: str, *, reason: str) -> None:
    """Give the job a status, with its event. A request that is met, or can no longer be, is taken away."""
    job.status = status
    job.updated_at = func.now()
    if status in TERMINAL:
        job.finished_at = func.now()
        job.pause_requested_at = None
    events.append(session, job, "status", status=status, phase=job.phase, reason=reason)
