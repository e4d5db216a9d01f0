"""What one tenant may have at a time, counted from the ledger itself, so that nothing can drift from it.

Whoever adds something holds the tenant's row until the commit: two that add at once cannot both take the last place.
That lock comes before all others in a transaction, or two of them could wait for each other.
"""

from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, select
from sqlalchemy.orm import Session

from core.errors import QuotaExceeded
from core.settings import settings
from core.tables import (
    Checkpoint,
    Dataset,
    DatasetVersion,
    Export,
    Job,
    Model,
    Prediction,
    Tenant,
    Upload,
    Webhook,
    Weights,
)

# Nobody knows when a job ends or a customer deletes something; asking once a minute hurts nobody.
RETRY_SECONDS = 60
_KEPT = (DatasetVersion.status == "ready", DatasetVersion.deleted_at.is_(None))


def hold(session: Session, tenant_id: str) -> None:
    """Nobody else adds anything for this tenant until this transaction ends. Foreign keys to it are not held up."""
    session.execute(select(Tenant.id).where(Tenant.id == tenant_id).with_for_update(key_share=True))


def require_queue(session: Session, tenant_id: str, *, more: int = 1) -> None:
    """Room for so many more queued jobs. Raises QuotaExceeded. The tenant is held."""
    limit = settings().quota_queued_jobs
    waiting = jobs(session, tenant_id, "queued", at_most=limit)
    if waiting + more > limit:
        _refuse("queued_jobs", limit, waiting, "Wait for some to start, or cancel some.")


def require_bytes(session: Session, tenant_id: str, *, more: int) -> None:
    """Room for so many more bytes in the object store. Raises QuotaExceeded. The tenant is held."""
    limit, used = settings().quota_bytes, stored_bytes(session, tenant_id)
    if used + more > limit:
        _refuse("bytes", limit, used, "Delete uploads, datasets, jobs or predictions that you no longer need.")


def require_images(session: Session, tenant_id: str, *, more: int) -> None:
    """Room for so many more images. Raises QuotaExceeded. The tenant is held."""
    limit, used = settings().quota_images, images(session, tenant_id)
    if used + more > limit:
        _refuse("images", limit, used, "Delete datasets that you no longer need, or upload fewer images.")


def require_webhooks(session: Session, tenant_id: str) -> None:
    """Room for one more webhook. Raises QuotaExceeded. The tenant is held."""
    limit = settings().quota_webhooks
    used = session.scalar(select(func.count()).select_from(Webhook).where(Webhook.tenant_id == tenant_id)) or 0
    if used >= limit:
        _refuse("webhooks", limit, used, "Delete those that you no longer need.")


def may_run(session: Session, job_id: str) -> bool:
    """Whether the job's tenant may have one more running, which a suspended one may not.

    Holds the tenant, so that claims of it take turns.
    """
    held = select(Tenant.id, Tenant.suspended_at).join(Job, Job.tenant_id == Tenant.id).where(Job.id == job_id)
    tenant = session.execute(held.with_for_update(of=Tenant, key_share=True)).one_or_none()
    if tenant is None:
        return True
    limit = settings().quota_running_jobs
    return tenant.suspended_at is None and jobs(session, tenant.id, "running", at_most=limit) < limit


def stored_bytes(session: Session, tenant_id: str) -> int:
    """Of uploads, announced ones too, packs, checkpoints, models with their reports, exports, predictions, weights.

    Deduplicated uploads are free.
    """
    live = select(Dataset.id).where(Dataset.tenant_id == tenant_id, Dataset.deleted_at.is_(None))
    beside = (func.coalesce(column, 0) for column in (Model.report_bytes, Model.predictions_bytes))
    of_model = sum(beside, start=Model.weights_bytes)
    parts: list[Select[Any]] = [
        select(func.sum(Upload.bytes)).where(
            Upload.tenant_id == tenant_id, Upload.status.in_(("open", "complete")), Upload.same_as.is_(None)
        ),
        select(func.sum(cast(DatasetVersion.manifest["bytes"].astext, BigInteger))).where(
            DatasetVersion.dataset_id.in_(live), *_KEPT
        ),
        select(func.sum(Checkpoint.bytes)).where(Checkpoint.tenant_id == tenant_id),
        select(func.sum(of_model)).where(Model.tenant_id == tenant_id),
        select(func.sum(Export.bytes)).where(Export.tenant_id == tenant_id),
        select(func.sum(Prediction.bytes)).where(Prediction.tenant_id == tenant_id),
        select(func.sum(Weights.bytes)).where(Weights.tenant_id == tenant_id),
    ]
    return sum(int(session.scalar(part) or 0) for part in parts)


def images(session: Session, tenant_id: str) -> int:
    live = select(Dataset.id).where(Dataset.tenant_id == tenant_id, Dataset.deleted_at.is_(None))
    samples = func.sum(cast(DatasetVersion.manifest["samples"].astext, BigInteger))
    statement = select(samples).where(DatasetVersion.dataset_id.in_(live), *_KEPT)
    return int(session.scalar(statement) or 0)


def jobs(session: Session, tenant_id: str, status: str, *, at_most: int) -> int:
    """Counted no further than anybody asks."""
    found = select(Job.id).where(Job.tenant_id == tenant_id, Job.status == status).limit(at_most)
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def _refuse(quota: str, limit: int, used: int, remedy: str) -> None:
    sentence = f"The quota of {quota.replace('_', ' ')} is {limit:,} and {used:,} are used. {remedy}"
    raise QuotaExceeded(sentence, retry_seconds=RETRY_SECONDS, quota=quota, limit=limit, used=used)
