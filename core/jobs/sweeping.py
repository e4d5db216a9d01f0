"""What got lost: leases that ran out, messages that were never sent. Run by one worker at a time."""

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from core import events, leases
from core.progress import JobError
from core.settings import settings
from core.tables import Dataset, DatasetVersion, Export, Job, JobAttempt

POISON = JobError(
    code="poison",
    category="platform",
    retryable=True,
    message="the job ended its worker several times without reaching a newer checkpoint",
    remediation="look at the job's events and logs; a smaller batch or image size often helps. Then resume or retry it",
)


def requeue_expired_jobs(session: Session) -> list[str]:
    """Jobs whose worker fell silent go back to the queue; or end, where they were cancelled, paused or are poison."""
    requeued = []
    for job in leases.expired(session, Job):
        silent = f"worker {job.worker} fell silent"
        _close_attempts(session, job)
        job.worker = job.lease_expires_at = job.rung_at = None
        job.platform_fault_seconds += settings().lease_seconds
        if job.cancel_requested_at is not None:
            _move(session, job, "cancelled", f"cancelled by request; {silent}")
        elif job.attempts >= settings().max_attempts:
            job.error = POISON.model_dump()
            _move(session, job, "failed", "poison")
        elif job.pause_requested_at is not None:
            _move(session, job, "paused", f"paused by request; {silent}")
        else:
            _move(session, job, "queued", silent)
            requeued.append(job.id)
    return requeued


def requeue_expired_versions(session: Session) -> None:
    for version in leases.expired(session, DatasetVersion):
        version.worker = version.lease_expires_at = version.rung_at = None
        if version.attempts < settings().max_attempts:
            version.status = "queued"
            continue
        version.status = "failed"
        version.error = POISON.model_dump() | {"message": "reading this archive ended its worker several times"}
        values = {"status": "failed", "error": version.error}
        session.execute(
            update(Dataset).where(Dataset.id == version.dataset_id, Dataset.status == "ingesting").values(values)
        )


def requeue_expired_exports(session: Session) -> None:
    for export in leases.expired(session, Export):
        export.worker = export.lease_expires_at = export.rung_at = None
        if export.attempts < settings().max_attempts:
            export.status = "queued"
            continue
        export.status = "failed"
        export.finished_at = func.now()
        export.error = POISON.model_dump() | {"message": "this export ended its worker several times"}


def _move(session: Session, job: Job, status: str, reason: str) -> None:
    job.status = status
    job.updated_at = func.now()
    if status in ("failed", "cancelled"):
        job.finished_at = func.now()
    events.append(session, job, "status", status=status, phase=job.phase, reason=reason)


def _close_attempts(session: Session, job: Job) -> None:
    session.execute(
        update(JobAttempt)
        .where(JobAttempt.job_id == job.id, JobAttempt.ended_at.is_(None))
        .values(ended_at=func.now(), outcome="worker_lost")
    )
