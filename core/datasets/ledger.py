"""Datasets and their versions: create, find, delete; and what the ingest worker writes."""

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from contract.pack.manifest import PackManifest
from core.accounts import quotas
from core.database import leases, owned
from core.database.leases import POISON
from core.datasets import uploads
from core.errors import Conflict, DatasetFailed, DatasetNotReady, InUse, Invalid, NotFound
from core.ids import new_id
from core.tables import Dataset, DatasetVersion, Job, Sweep
from core.tables.states import TERMINAL
from core.webhooks import outbox


def create(
    session: Session,
    tenant_id: str,
    *,
    name: str,
    upload_id: str,
    task: str,
    splits: dict[str, Any] | None,
    reading: dict[str, Any] | None = None,
) -> tuple[Dataset, DatasetVersion]:
    """A dataset whose first version waits for ingest. The caller commits and then rings for the version."""
    quotas.hold(session, tenant_id)
    quotas.require_images(session, tenant_id, more=1)
    dataset = Dataset(id=new_id("ds"), tenant_id=tenant_id, name=name, task=task, status="ingesting")
    session.add(dataset)
    session.flush()
    version = add_version(session, dataset, upload_id=upload_id, splits=splits, reading=reading)
    session.refresh(dataset)
    return dataset, version


def add_version(
    session: Session,
    dataset: Dataset,
    *,
    upload_id: str,
    splits: dict[str, Any] | None,
    reading: dict[str, Any] | None = None,
) -> DatasetVersion:
    upload = uploads.completed(session, dataset.tenant_id, upload_id)
    version = DatasetVersion(
        id=new_id("dsv"),
        tenant_id=dataset.tenant_id,
        dataset_id=dataset.id,
        upload_id=upload.id,
        splits=splits,
        reading=reading,
        status="queued",
    )
    session.add(version)
    session.flush()
    session.refresh(version)
    return version


def find(session: Session, tenant_id: str, dataset_id: str, *, lock: bool = False) -> Dataset:
    dataset = owned.find(session, Dataset, tenant_id, dataset_id, lock=lock)
    if dataset.deleted_at is not None:
        raise NotFound
    return dataset


def find_version(session: Session, tenant_id: str, dataset_id: str, version_id: str) -> DatasetVersion:
    """`latest` names the newest ready version, or the newest of all where none is ready."""
    dataset = find(session, tenant_id, dataset_id)
    statement = select(DatasetVersion).where(DatasetVersion.dataset_id == dataset.id)
    if version_id != "latest":
        statement = statement.where(DatasetVersion.id == version_id)
    elif dataset.latest_version_id:
        statement = statement.where(DatasetVersion.id == dataset.latest_version_id)
    version = session.scalars(statement.order_by(DatasetVersion.id.desc()).limit(1)).one_or_none()
    if version is None:
        raise NotFound
    return version


def ready_version(session: Session, tenant_id: str, dataset_or_version_id: str) -> DatasetVersion:
    """The version a job trains on. Raises Invalid, DatasetNotReady or DatasetFailed."""
    version_id: str | None = dataset_or_version_id
    if dataset_or_version_id.startswith("ds_"):
        dataset = _named(session, tenant_id, dataset_or_version_id)
        version_id = dataset.latest_version_id
        if version_id is None:
            raise _without_pack(dataset.status, dataset.id)
    statement = select(DatasetVersion).where(DatasetVersion.id == version_id, DatasetVersion.tenant_id == tenant_id)
    version = session.scalars(statement).one_or_none()
    if version is None:
        raise Invalid(f"There is no dataset or version by the id {dataset_or_version_id}.", pointer="/dataset")
    if version.status != "ready":
        raise _without_pack(version.status, version.dataset_id)
    _named(session, tenant_id, version.dataset_id)
    return version


def delete(session: Session, tenant_id: str, dataset_id: str) -> list[str]:
    """Hide a dataset; gives the object prefixes to delete after the commit. Raises InUse while it is needed."""
    dataset = find(session, tenant_id, dataset_id, lock=True)
    ids = select(DatasetVersion.id).where(DatasetVersion.dataset_id == dataset.id)
    live = select(Job.id).where(Job.dataset_version_id.in_(ids), Job.status.not_in(TERMINAL)).limit(1)
    job_id = session.scalars(live).one_or_none()
    if job_id is not None:
        raise InUse(f"Job {job_id} uses this dataset. Cancel it or wait for its end.")
    searching = select(Sweep.id).where(Sweep.dataset_version_id.in_(ids), Sweep.status == "running").limit(1)
    sweep_id = session.scalars(searching).one_or_none()
    if sweep_id is not None:
        raise InUse(f"Sweep {sweep_id} uses this dataset. Cancel it or wait for its end.")
    dataset.deleted_at = func.now()
    return [f"datasets/{version_id}/" for version_id in session.scalars(ids)]


def publish_version(
    session: Session,
    version_id: str,
    fence: int,
    *,
    manifest: PackManifest,
    report: dict[str, Any],
    prefix: str,
    pack_sha256: str,
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
    )
    session.execute(
        update(Dataset)
        .where(Dataset.id == version.dataset_id)
        .values(status="ready", latest_version_id=version.id, error=None)
    )
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
    version.error = POISON.model_dump() | {"message": "reading this archive ended its worker several times"}
    session.execute(
        update(Dataset)
        .where(Dataset.id == version.dataset_id, Dataset.status == "ingesting")
        .values(status="failed", error=version.error)
    )
    outbox.announce(session, version)


def _without_pack(status: str, dataset_id: str) -> Conflict:
    """Waiting helps with one that is being read, not with one that failed."""
    if status == "failed":
        return DatasetFailed(
            f"No dataset could be made of the archive. See /v1/datasets/{dataset_id}/versions/latest/validation."
        )
    return DatasetNotReady(f"The dataset is still being read. See /v1/datasets/{dataset_id}.")


def _named(session: Session, tenant_id: str, dataset_id: str) -> Dataset:
    """Held against deletion until the transaction ends: the job that names it is not yet visible to `delete`."""
    statement = select(Dataset).where(
        Dataset.id == dataset_id, Dataset.tenant_id == tenant_id, Dataset.deleted_at.is_(None)
    )
    dataset = session.scalars(statement.with_for_update(read=True)).one_or_none()
    if dataset is None:
        raise Invalid(f"There is no dataset by the id {dataset_id}.", pointer="/dataset")
    return dataset
