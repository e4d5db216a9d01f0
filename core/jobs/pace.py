"""How fast a deployment trains, read from the jobs that it finished."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from contract.specs.pace import Measured, Pace
from core.tables import Job, JobAttempt, Model

_LOOKED_AT = 200  # newest jobs
_COMPARED = 40  # newest of them that a rate can be told from


def read(session: Session, tenant_id: str) -> Pace:
    """The device of the newest job that told one, and what a tenant's own jobs took on it."""
    device = _device(session)
    if device is None:
        return Pace()
    recent = select(Job.id).where(Job.tenant_id == tenant_id).order_by(Job.id.desc()).limit(_LOOKED_AT)
    statement = (
        select(Job.resolved, Model.figures, JobAttempt.started_at, JobAttempt.ended_at)
        .join(Model, Model.job_id == Job.id)
        .join(JobAttempt, (JobAttempt.job_id == Job.id) & (JobAttempt.number == 1))
        # One attempt: after a second one nobody knows which took what.
        .where(Job.id.in_(recent), Job.total_attempts == 1, Job.progress["device"].astext == device)
        .order_by(Job.id.desc())
        .limit(_COMPARED)
    )
    found = (_measured(*row) for row in session.execute(statement))
    return Pace(device, tuple(one for one in found if one is not None))


def _device(session: Session) -> str | None:
    recent = select(Job.progress["device"].astext.label("device"), Job.id).order_by(Job.id.desc()).limit(_LOOKED_AT)
    newest = recent.subquery()
    statement = select(newest.c.device).where(newest.c.device.is_not(None)).order_by(newest.c.id.desc()).limit(1)
    return session.scalars(statement).one_or_none()


def _measured(
    resolved: dict[str, Any], figures: dict[str, Any] | None, started_at: datetime, ended_at: datetime | None
) -> Measured | None:
    """None where the model is older than its figures, or the attempt has no end."""
    if not figures or not figures["train_seconds"] or ended_at is None:
        return None
    arms = 2 if resolved.get("control") else 1
    whole = (ended_at - started_at).total_seconds()
    return Measured(
        architecture=resolved["model"]["architecture"],
        height=resolved["height"],
        width=resolved["width"],
        images_per_second=figures["images_seen"] / figures["train_seconds"],
        other_seconds=max(0.0, whole - arms * figures["train_seconds"]),
        memory_bytes=figures.get("peak_memory_bytes"),
    )
