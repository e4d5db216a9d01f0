"""Exports asked for after the training; those of the job itself are published by `core.jobs.ledger`."""

from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.results.exported import ExportResult
from contract.specs import ExportSpec, LadderSpec
from contract.tasks import TaskName, format_obstacle
from core.database import leases, owned
from core.database.leases import POISON
from core.errors import DatasetDeleted, Invalid
from core.exports import published
from core.ids import new_id
from core.store.storage import StoredFile
from core.tables import Dataset, DatasetVersion, Export, Job, Model, Profile
from core.webhooks import outbox

_DELETED = JobError(
    code="dataset_deleted",
    category="user_data",
    retryable=False,
    message="The dataset that the file was to be measured on was deleted.",
    remediation="Push the dataset again, train on it, and export that model.",
)


def submit(session: Session, tenant_id: str, model_id: str, spec: ExportSpec) -> Export:
    """A queued export. The caller commits and then rings. Raises Invalid for a model that was not tested.

    Raises DatasetDeleted where there is nothing to measure a file on.
    """
    model = owned.find(session, Model, tenant_id, model_id)
    trained = session.get_one(Job, model.job_id)
    require_pack(session, model.dataset_version_id)
    if obstacle := format_obstacle(cast("TaskName", model.task), spec.format):
        raise Invalid(obstacle)
    if not trained.resolved["evaluation"].get("test", True):
        raise Invalid(
            f"Files are measured on the test split, and job {trained.id} did not use it. "
            'Export the final job of its sweep, or clone it with {"evaluation": {"test": true}}.'
        )
    export = Export(
        id=new_id("exp"),
        tenant_id=tenant_id,
        model_id=model.id,
        format=spec.format,
        precision=spec.precision,
        opset=spec.opset,
        constraints=spec.constraints.model_dump(),
        ladder=_ladder(spec).model_dump(mode="json"),
        status="queued",
    )
    session.add(export)
    session.flush()
    session.refresh(export)
    return export


def _ladder(spec: ExportSpec) -> LadderSpec:
    """Without the rung that trains, which the queue of exports has no time for. Raises Invalid where it was named."""
    if "qat" in spec.ladder.rungs and "rungs" in spec.ladder.model_fields_set:
        raise Invalid(
            '"qat" trains the network, and only a job can train. Leave it out of ladder.rungs, or '
            "clone the job with this export among its exports."
        )
    return spec.ladder.model_copy(update={"rungs": tuple(rung for rung in spec.ladder.rungs if rung != "qat")})


def require_pack(session: Session, version_id: str) -> None:
    """The dataset is held against deletion until the transaction ends. Raises DatasetDeleted."""
    if not hold_pack(session, version_id):
        raise DatasetDeleted


def hold_pack(session: Session, version_id: str) -> bool:
    """Against deletion, until the transaction ends; False where it is deleted."""
    statement = (
        select(Dataset.id)
        .join(DatasetVersion, DatasetVersion.dataset_id == Dataset.id)
        .where(DatasetVersion.id == version_id, DatasetVersion.deleted_at.is_(None), Dataset.deleted_at.is_(None))
        .with_for_update(read=True, key_share=True, of=Dataset)
    )
    return session.scalars(statement).one_or_none() is not None


def give_up(session: Session, row: Export | Profile) -> None:
    """End work on a file whose dataset goes; whoever does it is fenced off."""
    session.refresh(row, with_for_update=True)
    if row.status not in ("queued", "running"):
        return
    row.status, row.error, row.finished_at = "failed", _DELETED.model_dump(), func.now()
    row.worker = row.lease_expires_at = None
    outbox.announce(session, row)


def publish(session: Session, export_id: str, fence: int, result: ExportResult, stored: StoredFile) -> None:
    """The verified file becomes visible. Raises Fenced."""
    export = leases.release(session, Export, export_id, fence, **published.values(result, stored))
    outbox.announce(session, export)


def fail(session: Session, export_id: str, fence: int, error: JobError) -> None:
    data: dict[str, Any] = error.model_dump()
    export = leases.release(session, Export, export_id, fence, status="failed", error=data, finished_at=func.now())
    outbox.announce(session, export)


def give_back(session: Session, export_id: str, fence: int, *, counted: bool) -> str:
    """Queue it again, or fail it when that happened too often; gives the new status. Raises Fenced."""
    export = leases.give_back(session, Export, export_id, fence, counted=counted)
    end_attempt(session, export)
    return export.status


def end_attempt(session: Session, row: Export | Profile) -> None:
    """What becomes of a file's row whose worker ended without a result. The caller holds the row's lock."""
    if leases.queue_again(row):
        return
    row.status = "failed"
    row.finished_at = func.now()
    what = "export" if isinstance(row, Export) else "profile"
    row.error = POISON.model_dump() | {"message": f"This {what} ended its worker several times."}
    outbox.announce(session, row)
