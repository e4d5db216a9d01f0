# ruff: noqa: S608 - the statements are made of constants of this module
"""Whose turn it is: which queued job is claimed next. Tenants take turns, whoever came first and however many jobs.

First the tenant with the fewest running jobs, of these the one that was served longest ago. Of its queued jobs the one
with the highest priority, and of those the one that waits longest. A message says only that there is one to claim.
"""

from collections.abc import Iterator

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.settings import settings
from core.tables import Job

# One step of ix_jobs_turn a tenant, not a reading of all queued rows; few rows run.
_TENANTS = """
WITH RECURSIVE waiting AS (
    SELECT min(tenant_id) AS tenant_id FROM jobs WHERE status = 'queued'
    UNION ALL
    SELECT (SELECT min(j.tenant_id) FROM jobs j WHERE j.status = 'queued' AND j.tenant_id > waiting.tenant_id)
        FROM waiting WHERE waiting.tenant_id IS NOT NULL
), running AS (SELECT tenant_id, count(*) AS jobs FROM jobs WHERE status = 'running' GROUP BY tenant_id)
"""
_NEXT = f"""{_TENANTS}
SELECT tenants.id FROM waiting
    JOIN tenants ON tenants.id = waiting.tenant_id LEFT JOIN running ON running.tenant_id = tenants.id
WHERE coalesce(running.jobs, 0) < :limit AND tenants.suspended_at IS NULL AND NOT tenants.id = ANY(:passed)
ORDER BY coalesce(running.jobs, 0), tenants.served_at NULLS FIRST, tenants.id
LIMIT 1 FOR NO KEY UPDATE OF tenants"""
_CLAIMABLE = f"""{_TENANTS}
SELECT coalesce(sum(least(greatest(:limit - coalesce(running.jobs, 0), 0), (
        SELECT count(*) FROM jobs j WHERE j.status = 'queued' AND j.tenant_id = waiting.tenant_id))), 0)
FROM waiting JOIN tenants ON tenants.id = waiting.tenant_id AND tenants.suspended_at IS NULL
    LEFT JOIN running ON running.tenant_id = waiting.tenant_id"""


def candidates(session: Session) -> Iterator[str]:
    """Ids of queued jobs in the order of the turns, one of each tenant, which is held from then on.

    A tenant that somebody holds is passed over; it is waited for where no other has a job to claim.
    """
    passed: list[str] = []
    while (tenant_id := _next_tenant(session, passed, wait=not passed)) is not None:
        passed.append(tenant_id)
        if (job_id := _first_of(session, tenant_id)) is not None:
            yield job_id


def claimable(session: Session) -> int:
    """How many queued jobs could be claimed now: of each tenant no more than may run beside those that do."""
    return int(session.execute(text(_CLAIMABLE), {"limit": settings().quota_running_jobs}).scalar_one())


def _next_tenant(session: Session, passed: list[str], *, wait: bool) -> str | None:
    values = {"limit": settings().quota_running_jobs, "passed": passed}
    found: str | None = session.execute(text(f"{_NEXT} SKIP LOCKED"), values).scalar_one_or_none()
    if found is None and wait:  # only while none is held: two that wait for each other's would wait for ever
        found = session.execute(text(_NEXT), values).scalar_one_or_none()
    return found


def _first_of(session: Session, tenant_id: str) -> str | None:
    waiting = select(Job.id).where(Job.tenant_id == tenant_id, Job.status == "queued")
    first = waiting.order_by(Job.priority.desc(), Job.queued_at, Job.id).limit(1)
    return session.scalars(first.with_for_update(skip_locked=True, key_share=True)).one_or_none()
