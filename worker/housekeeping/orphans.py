"""What no row names: left by stale workers, lost commits, interrupted deletes and uploads. Deleted when it is old.

Conservative: an object stays while it is young, while a row names it, and while its job, dataset version, export,
prediction or weights are worked on under the object's fence. An upload that nobody ended is nobody's once it is old.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.settings import settings
from core.store import multipart, storage
from core.tables import Checkpoint, Dataset, DatasetVersion, Export, Job, Model, Prediction, Upload, Weights
from worker.claims.ledger_writes import write_once
from worker.outputs.publication import LOG_NAME

logger = logging.getLogger(__name__)
OWNERS: dict[str, Any] = {
    "jobs": Job,
    "datasets": DatasetVersion,
    "exports": Export,
    "predictions": Prediction,
    "uploads": Upload,
    "weights": Weights,
}


def delete_orphans() -> int:
    """Gives how many objects were deleted. Raises LedgerAway or StoreUnavailable."""
    deleted, age = 0, timedelta(seconds=settings().orphan_ttl_seconds)
    for prefix in OWNERS:
        for keys in storage.older_than(f"{prefix}/", age):
            orphans = write_once(partial(find_orphans, keys=keys), "sweep")
            storage.delete(orphans)
            deleted += len(orphans)
    if deleted:
        logger.info("%d objects that no row names were deleted", deleted)
    if aborted := abort_unfinished(age):
        logger.info("%d uploads that nobody ended were aborted", aborted)
    return deleted


def abort_unfinished(age: timedelta) -> int:
    """Uploads to all the places above that were begun so long ago. Raises StoreUnavailable."""
    return sum(multipart.abort_older_than(f"{prefix}/", age) for prefix in OWNERS)


def find_orphans(session: Session, keys: Sequence[str]) -> list[str]:
    """Of keys that all begin with the same one of OWNERS, those that may go."""
    if not keys:
        return []
    table = OWNERS[keys[0].split("/")[0]]
    ids = {key.split("/")[1] for key in keys}
    statement = select(table).where(table.id.in_(ids))
    if table is DatasetVersion:
        living = (Dataset.deleted_at.is_(None), DatasetVersion.deleted_at.is_(None))
        statement = statement.join(Dataset, Dataset.id == DatasetVersion.dataset_id).where(*living)
    owners = {row.id: row for row in session.scalars(statement)}
    named = _named(session, keys)
    return [key for key in keys if key not in named and _is_orphan(key, owners.get(key.split("/")[1]))]


def _named(session: Session, keys: Sequence[str]) -> set[str]:
    columns = (
        Checkpoint.object_key,
        Model.weights_key,
        Model.report_key,
        Model.predictions_key,
        Export.object_key,
        Prediction.object_key,
        Weights.object_key,
    )
    return {key for column in columns for key in session.scalars(select(column).where(column.in_(keys))) if key}


def _is_orphan(key: str, owner: Job | DatasetVersion | Export | Prediction | Upload | Weights | None) -> bool:
    if owner is None:
        return True
    if isinstance(owner, Upload):
        return owner.status == "aborted"
    if isinstance(owner, DatasetVersion) and owner.object_prefix and key.startswith(owner.object_prefix):
        return False
    if owner.status == "running" and key.split("/")[2] == str(owner.fence):
        return False
    return not (isinstance(owner, Job) and key.endswith(f"/{LOG_NAME}"))
