"""Datasets and their versions: pushed, renamed; and what the ingest worker writes."""

from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from contract.pack.manifest import PackManifest
from contract.tasks import TaskName
from core.accounts import quotas
from core.database import leases
from core.database.leases import POISON
from core.datasets import references, uploads
from core.errors import Conflict, Invalid
from core.ids import new_id
from core.tables import Dataset, DatasetVersion, Upload
from core.webhooks import outbox


class NameTaken(Conflict):
    """Another dataset has this name. Choose another name."""


class Pushed(NamedTuple):
    dataset: Dataset
    version: DatasetVersion
    added: bool  # False: the version was there, of the same bytes and read the same way


def push(
    session: Session,
    tenant_id: str,
    *,
    name: str,
    upload_id: str,
    task: TaskName | None = None,
    splits: dict[str, Any] | None = None,
    reading: dict[str, Any] | None = None,
) -> Pushed:
    """A version that waits for ingest: the first of a new dataset, or the next of the one by this name.

    The caller commits and then rings for the version if it was added. The tenant is held: two who push one name at
    once make one dataset with two versions.
    """
    quotas.hold(session, tenant_id)
    dataset = references.named(session, tenant_id, name, lock=True)
    if dataset is None:
        dataset = Dataset(
            id=new_id("ds"), tenant_id=tenant_id, name=name, task=task or "classification", status="ingesting"
        )
        session.add(dataset)
        session.flush()
    elif task is not None and task != dataset.task:
        if _has_versions(session, dataset):
            message = f"Dataset {name!r} is for {dataset.task}. Leave the task out, or push under another name."
            raise Invalid(message, pointer="/task")
        dataset.task = task  # every version was refused, and the report may have said to push as this task
    return add_version(session, dataset, upload_id=upload_id, splits=splits, reading=reading)


def add_version(
    session: Session,
    dataset: Dataset,
    *,
    upload_id: str,
    splits: dict[str, Any] | None,
    reading: dict[str, Any] | None = None,
) -> Pushed:
    """The tenant is held, or the dataset is locked."""
    upload = uploads.completed(session, dataset.tenant_id, upload_id)
    if (same := _unchanged(session, dataset, upload, splits=splits, reading=reading)) is not None:
        return Pushed(dataset, same, added=False)
    quotas.require_images(session, dataset.tenant_id, more=1)
    last = select(func.max(DatasetVersion.number)).where(DatasetVersion.dataset_id == dataset.id)
    version = DatasetVersion(
        id=new_id("dsv"),
        tenant_id=dataset.tenant_id,
        dataset_id=dataset.id,
        number=(session.scalar(last) or 0) + 1,
        upload_id=upload.id,
        splits=splits,
        reading=reading,
        status="queued",
    )
    session.add(version)
    if dataset.latest_version_id is None:
        dataset.status, dataset.error = "ingesting", None
    session.flush()
    session.refresh(version)
    session.refresh(dataset)
    return Pushed(dataset, version, added=True)


def rename(session: Session, tenant_id: str, dataset: Dataset, name: str) -> None:
    """Raises NameTaken. The tenant is held, the dataset is locked."""
    other = references.named(session, tenant_id, name)
    if other is not None and other.id != dataset.id:
        raise NameTaken(f"Dataset {other.id} has the name {name!r}. Rename or delete that one first.")
    dataset.name = name
    session.flush()


def predecessor(session: Session, version: DatasetVersion) -> DatasetVersion | None:
    """The ready version with the next lower number: what a version is compared with."""
    before = references.living_versions(version.dataset_id).where(
        DatasetVersion.status == "ready", DatasetVersion.number < version.number
    )
    return session.scalars(before.order_by(DatasetVersion.number.desc()).limit(1)).one_or_none()


def settle_latest(session: Session, dataset_id: str) -> None:
    """The ready version with the highest number is the one that jobs take."""
    session.execute(select(Dataset.id).where(Dataset.id == dataset_id).with_for_update(key_share=True))
    ready = references.living_versions(dataset_id).where(DatasetVersion.status == "ready")
    newest = ready.order_by(DatasetVersion.number.desc().nulls_last(), DatasetVersion.id.desc()).limit(1)
    version = session.scalars(newest).one()
    values = {"latest_version_id": version.id, "status": "ready", "error": None}
    session.execute(update(Dataset).where(Dataset.id == dataset_id).values(**values))


def _has_versions(session: Session, dataset: Dataset) -> bool:
    """Whether there is a version of this task, or may be: one that is ready, or still read."""
    living = references.living_versions(dataset.id).where(DatasetVersion.status != "failed")
    return session.scalar(select(living.exists())) is True


def _unchanged(
    session: Session,
    dataset: Dataset,
    upload: Upload,
    *,
    splits: dict[str, Any] | None,
    reading: dict[str, Any] | None,
) -> DatasetVersion | None:
    """The newest version, where it is of the same bytes and read the same way. One that failed is tried again."""
    living = references.living_versions(dataset.id).where(DatasetVersion.status != "failed")
    newest = session.scalars(living.order_by(DatasetVersion.id.desc()).limit(1)).one_or_none()
    if newest is None or (newest.splits, newest.reading) != (splits, reading):
        return None
    return newest if session.get_one(Upload, newest.upload_id).sha256 == upload.sha256 else None


def publish_version(
    session: Session,
    version_id: str,
    fence: int,
    *,
    manifest: PackManifest,
    report: dict[str, Any],
    prefix: str,
    pack_sha256: str,
    changes: dict[str, Any] | None = None,
) -> None:
    """The pack becomes visible, with its dataset, in one commit. Raises Fenced, or QuotaExceeded for its images."""
    owner = session.scalars(select(DatasetVersion.tenant_id).where(DatasetVersion.id == version_id)).one()
    quotas.hold(session, owner)
    quotas.require_images(session, owner, more=manifest.samples)
    version = leases.release(
        session,
        DatasetVersion,
        version_id,
        fence,
        status="ready",
        manifest=manifest.model_dump(mode="json"),
        report=report,
        object_prefix=prefix,
        pack_sha256=pack_sha256,
        changes=changes,
    )
    settle_latest(session, version.dataset_id)
    outbox.announce(session, version)


def fail_version(
    session: Session, version_id: str, fence: int, *, error: dict[str, Any], report: dict[str, Any] | None
) -> None:
    """No pack. A dataset with an earlier ready version stays ready. Raises Fenced."""
    version = leases.release(session, DatasetVersion, version_id, fence, status="failed", error=error, report=report)
    session.execute(
        update(Dataset)
        .where(Dataset.id == version.dataset_id, Dataset.latest_version_id.is_(None))
        .values(status="failed", error=error)
    )
    outbox.announce(session, version)


def give_back_version(session: Session, version_id: str, fence: int, *, counted: bool) -> str:
    """Queue it again, or fail it when that happened too often; gives the new status. Raises Fenced."""
    version = leases.give_back(session, DatasetVersion, version_id, fence, counted=counted)
    end_attempt(session, version)
    return version.status


def end_attempt(session: Session, version: DatasetVersion) -> None:
    """What becomes of a version whose worker ended without a result. The caller holds the row's lock."""
    if leases.queue_again(version):
        return
    version.status = "failed"
    version.error = POISON.model_dump() | {"message": "Reading this archive ended its worker several times."}
    session.execute(
        update(Dataset)
        .where(Dataset.id == version.dataset_id, Dataset.status == "ingesting")
        .values(status="failed", error=version.error)
    )
    outbox.announce(session, version)
