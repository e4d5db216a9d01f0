"""A suspended tenant: its keys are refused, its queued work waits, and its running jobs are paused at a checkpoint."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.accounts import quotas
from core.errors import Conflict, DomainError, NotFound
from core.jobs import requests
from core.tables import Job, JobEvent, Tenant

REASON = "the tenant is suspended"


class StillStopping(Conflict):
    """Jobs of this tenant still save a checkpoint. Try again in a minute."""


class Resumed(NamedTuple):
    job_ids: list[str]
    refused: dict[str, str]  # job -> why it stays paused


def find(session: Session, name: str) -> Tenant:
    """By name or id. Raises NotFound."""
    named = select(Tenant).where((Tenant.name == name) | (Tenant.id == name)).order_by(Tenant.name != name).limit(1)
    tenant = session.scalars(named).one_or_none()
    if tenant is None:
        raise NotFound(f"There is no tenant {name}. See `patchswap tenants list`.")
    return tenant


def suspend(session: Session, name: str, *, reason: str) -> tuple[Tenant, list[str]]:
    """The tenant, and its running jobs, which were asked to pause. Suspending again gives another reason."""
    tenant = _held(session, name)
    tenant.suspended_at = tenant.suspended_at or func.now()
    tenant.suspended_reason = reason
    running = select(Job.id).where(Job.tenant_id == tenant.id, Job.status == "running").order_by(Job.id)
    asked = [job_id for job_id in session.scalars(running) if _pause(session, tenant.id, job_id)]
    session.flush()
    return tenant, asked


def resume(session: Session, name: str) -> tuple[Tenant, Resumed]:
    """Keys work again, and jobs that the suspension paused are queued. Raises StillStopping.

    A job that cannot be queued, such as one whose dataset was deleted, stays paused.
    """
    tenant = _held(session, name)
    tenant.suspended_at = tenant.suspended_reason = None
    session.flush()
    ours = _paused_by_us(session, tenant.id)
    if any(status == "running" for _, status in ours):
        raise StillStopping
    queued, refused = [], {}
    for job_id, _ in ours:
        try:
            with session.begin_nested():
                requests.resume(session, tenant.id, job_id)
            queued.append(job_id)
        except DomainError as error:
            refused[job_id] = error.detail
    return tenant, Resumed(queued, refused)


def _held(session: Session, name: str) -> Tenant:
    """Before all other locks. Who claims a job of it holds it, too, and then sees what is decided here."""
    tenant = find(session, name)
    quotas.hold(session, tenant.id)
    session.refresh(tenant)
    return tenant


def _pause(session: Session, tenant_id: str, job_id: str) -> bool:
    """False where it ended meanwhile, or somebody asked before us for its end or pause."""
    job = session.get(Job, job_id, with_for_update=True, populate_existing=True)
    if job is None or job.status != "running" or job.cancel_requested_at or job.pause_requested_at:
        return False
    requests.pause(session, tenant_id, job_id, reason=REASON)
    return True


def _paused_by_us(session: Session, tenant_id: str) -> list[tuple[str, str]]:
    """Ids and statuses of jobs whose newest request is ours, and that pause or are about to."""
    newest = (
        select(JobEvent.data["reason"].astext)
        .where(JobEvent.job_id == Job.id, JobEvent.type == "request")
        .order_by(JobEvent.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    pausing = (Job.status == "paused") | ((Job.status == "running") & Job.pause_requested_at.is_not(None))
    statement = select(Job.id, Job.status).where(Job.tenant_id == tenant_id, pausing, newest == REASON)
    return [(job_id, status) for job_id, status in session.execute(statement.order_by(Job.id))]
