"""Datasets and versions that go, and what needs them. How force ends that first: `core.removals`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.datasets import ledger, references, uploads
from core.errors import Conflict, InUse
from core.tables import Dataset, DatasetVersion, Export, Job, Model, Prediction, Profile, Sweep
from core.tables.states import TERMINAL

Dependent = dict[str, str]  # kind, id, status
LISTED = 100  # of a kind
_LIVE = ("queued", "running")
_DELETED = {
    "code": "dataset_deleted",
    "category": "user_data",
    "retryable": False,
    "message": "The dataset version was deleted before it was read.",
    "remediation": "Push it again.",
}


class OnlyVersion(Conflict):
    """The dataset has no other version that is ready. Delete the dataset instead."""


def versions_of(session: Session, dataset: Dataset) -> list[DatasetVersion]:
    return list(session.scalars(references.living_versions(dataset.id)))


def hold_unfinished(session: Session, dataset: Dataset) -> None:
    """Before the dataset is locked, as workers lock them: a version, then its dataset."""
    live = references.living_versions(dataset.id).where(DatasetVersion.status.in_(_LIVE))
    session.scalars(live.order_by(DatasetVersion.id).with_for_update(key_share=True)).all()


def dependents(session: Session, versions: Sequence[DatasetVersion]) -> list[Dependent]:
    """What needs these versions: work that is not over, and models, whose later exports read the pack."""
    ids = [version.id for version in versions]
    models = select(Model.id).where(Model.dataset_version_id.in_(ids))
    statements: dict[str, Any] = {
        "job": select(Job.id, Job.status).where(Job.dataset_version_id.in_(ids), Job.status.not_in(TERMINAL)),
        "sweep": select(Sweep.id, Sweep.status).where(Sweep.dataset_version_id.in_(ids), Sweep.status == "running"),
        "export": select(Export.id, Export.status).where(Export.model_id.in_(models), Export.status.in_(_LIVE)),
        "profile": select(Profile.id, Profile.status).where(Profile.model_id.in_(models), Profile.status.in_(_LIVE)),
        "prediction": select(Prediction.id, Prediction.status).where(
            Prediction.dataset_version_id.in_(ids), Prediction.status.in_(_LIVE)
        ),
        "model": models.add_columns(Model.architecture),
    }
    return [
        {"kind": kind, "id": row[0], "status": row[1] if kind != "model" else "published"}
        for kind, statement in statements.items()
        for row in session.execute(statement.order_by("id").limit(LISTED))
    ]


def require_unused(found: Sequence[Dependent]) -> None:
    """Raises InUse with the list."""
    if not found:
        return
    first = ", ".join(f"{one['kind']} {one['id']}" for one in found[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    remedy = "Delete those first, or send `?force=true`, which cancels unfinished work and keeps models."
    raise InUse(f"Still needed by {first}{more}. {remedy}", used_by=list(found))


def delete(session: Session, dataset: Dataset) -> list[str]:
    """The dataset with all versions; gives the object prefixes to delete after the commit. It is locked."""
    versions = versions_of(session, dataset)
    dataset.deleted_at = func.now()
    return _delete(session, versions)


def delete_version(session: Session, dataset: Dataset, version: DatasetVersion) -> list[str]:
    """One version, while another one that is ready stays; gives the object prefixes. The dataset is locked.

    Raises OnlyVersion.
    """
    others = [one for one in versions_of(session, dataset) if one.id != version.id]
    if not any(one.status == "ready" for one in others):
        raise OnlyVersion
    prefixes = _delete(session, [version])
    ledger.settle_latest(session, dataset.id)
    return prefixes


def _delete(session: Session, versions: Sequence[DatasetVersion]) -> list[str]:
    for version in versions:
        version.deleted_at = func.now()
        if version.status in _LIVE:  # whoever reads it is fenced off
            version.status, version.error = "failed", _DELETED
            version.worker = version.lease_expires_at = None
    session.flush()
    packs = [f"datasets/{version.id}/" for version in versions]
    return [*packs, *uploads.forget(session, [version.upload_id for version in versions])]
