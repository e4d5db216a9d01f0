"""What a job used up of its limits: since it was submitted, or since a person last asked to go on."""

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.jobs import usage
from core.tables import Job, JobAttempt, JobEvent

VERBS = ("resume", "retry")


class Spent(NamedTuple):
    seconds: float = 0.0  # of attempts that are over
    device_seconds: float = 0.0  # of trainers, times the devices that each held


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
    devices = usage.devices(job.resolved)
    if last is None:
        return Spent(float(session.scalar(statement) or 0), job.gpu_seconds * devices)
    seconds = session.scalar(statement.where(JobAttempt.started_at >= last.at))
    trained = max(0.0, job.gpu_seconds - float(last.data.get("gpu_seconds", 0)))
    return Spent(float(seconds or 0), trained * devices)
