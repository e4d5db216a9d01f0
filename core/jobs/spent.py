"""What a job used up of its limits: since it was submitted, or since a person last asked to go on."""

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.tables import Job, JobAttempt, JobEvent

VERBS = ("resume", "retry")


class Spent(NamedTuple):
    seconds: float = 0.0  # of attempts that are over
    device_seconds: float = 0.0


def read(session: Session, job: Job) -> Spent:
    """Attempts that the platform lost count; `resume` and `retry` begin anew."""
    asked = (
        select(JobEvent)
        .where(JobEvent.job_id == job.id, JobEvent.type == "request", JobEvent.data["verb"].astext.in_(VERBS))
        .order_by(JobEvent.seq.desc())
        .limit(1)
    )
    last = session.scalars(asked).one_or_none()
    took = func.extract("epoch", JobAttempt.ended_at - JobAttempt.started_at)
    statement = select(func.coalesce(func.sum(took), 0)).where(JobAttempt.job_id == job.id)
    if last is None:
        return Spent(float(session.scalar(statement) or 0), job.gpu_seconds)
    seconds = session.scalar(statement.where(JobAttempt.started_at >= last.at))
    return Spent(float(seconds or 0), max(0.0, job.gpu_seconds - float(last.data.get("gpu_seconds", 0))))
