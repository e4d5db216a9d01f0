"""Datasets that go although something needs them: what runs is cancelled first, so that nothing fails for the lack."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from core.datasets import references, removal
from core.datasets.removal import Dependent
from core.errors import NotFound
from core.exports import ledger as exports
from core.jobs import requests as jobs
from core.predictions import ledger as predictions
from core.sweeps import requests as sweeps
from core.tables import Dataset, DatasetVersion, Export, Prediction, Profile

REASON = "its dataset was deleted"


def hold(session: Session, tenant_id: str, sent: str) -> Dataset:
    """The dataset, locked: no job, version or export of it is added until the transaction ends. Raises NotFound."""
    dataset = references.find(session, tenant_id, sent)
    removal.hold_unfinished(session, dataset)
    session.refresh(dataset, with_for_update=True)
    if dataset.deleted_at is not None:
        raise NotFound.by(sent)
    return dataset


def delete_dataset(session: Session, dataset: Dataset, *, force: bool) -> list[str]:
    """Gives the object prefixes to delete after the commit. The dataset is held. Raises InUse unless forced."""
    _clear(session, dataset.tenant_id, removal.versions_of(session, dataset), force=force)
    return removal.delete(session, dataset)


def delete_version(session: Session, dataset: Dataset, version: DatasetVersion, *, force: bool) -> list[str]:
    """The same of one version. Raises InUse unless forced, or OnlyVersion."""
    _clear(session, dataset.tenant_id, [version], force=force)
    return removal.delete_version(session, dataset, version)


def _clear(session: Session, tenant_id: str, versions: Sequence[DatasetVersion], *, force: bool) -> None:
    found = removal.dependents(session, versions)
    if not force:
        removal.require_unused(found)
    ended: set[str] = set()  # a running job takes its time
    while live := [one for one in found if one["kind"] != "model" and one["id"] not in ended]:
        for one in live:
            _end(session, tenant_id, one)
        ended |= {one["id"] for one in live}
        found = removal.dependents(session, versions)


def _end(session: Session, tenant_id: str, one: Dependent) -> None:
    match one["kind"]:
        case "sweep":
            sweeps.cancel(session, tenant_id, one["id"])
        case "job":
            jobs.cancel(session, tenant_id, one["id"], reason=REASON)
        case "export":
            exports.give_up(session, session.get_one(Export, one["id"]))
        case "profile":
            exports.give_up(session, session.get_one(Profile, one["id"]))
        case "prediction":
            predictions.give_up(session, session.get_one(Prediction, one["id"]))
