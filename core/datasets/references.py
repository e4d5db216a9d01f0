"""What customers call datasets and versions, everywhere alike: `NAME`, `NAME@2`, `ds_...`, `dsv_...`."""

import re
from typing import NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.database import owned
from core.errors import Conflict, DatasetFailed, DatasetNotReady, Invalid, NotFound
from core.tables import Dataset, DatasetVersion

LATEST = "latest"
_NUMBERED = re.compile(r"(?P<name>.+)@(?P<number>[1-9][0-9]{0,9})")


class Reference(NamedTuple):
    """A dataset, by its id or name, or a version, by its id or by its number in a dataset."""

    dataset_id: str | None = None
    name: str | None = None
    number: int | None = None
    version_id: str | None = None


def parse(sent: str) -> Reference:
    if sent.startswith("ds_"):
        return Reference(dataset_id=sent)
    if sent.startswith("dsv_"):
        return Reference(version_id=sent)
    if numbered := _NUMBERED.fullmatch(sent):
        return Reference(name=numbered["name"], number=int(numbered["number"]))
    return Reference(name=sent)


def as_stored(sent: str, version: DatasetVersion) -> str:
    """The same by ids, which a new name does not change. `version`: what was sent, found."""
    asked = parse(sent)
    if asked.name is None:
        return sent
    return version.dataset_id if asked.number is None else version.id


def named(session: Session, tenant_id: str, name: str, *, lock: bool = False) -> Dataset | None:
    """The newest of this name: during an upgrade an api of 0.1 may add a second one.

    `lock`: against other changes. It holds up nobody who submits a job: those lock the dataset before the tenant.
    """
    statement = select(Dataset).where(Dataset.tenant_id == tenant_id, Dataset.name == name)
    newest = statement.where(Dataset.deleted_at.is_(None)).order_by(Dataset.id.desc()).limit(1)
    return session.scalars(newest.with_for_update(key_share=True) if lock else newest).one_or_none()


def find(session: Session, tenant_id: str, sent: str, *, lock: bool = False) -> Dataset:
    """The dataset that is named, or of which a version is named. Raises NotFound."""
    asked = parse(sent)
    if asked.name is not None:
        found = named(session, tenant_id, asked.name, lock=lock)
        if found is None or (asked.number is not None and _numbered(session, found.id, asked.number) is None):
            raise NotFound.by(sent)
        return found
    dataset_id = asked.dataset_id or _living(session, tenant_id, asked.version_id or sent).dataset_id
    found = owned.find(session, Dataset, tenant_id, dataset_id)
    if lock:
        session.refresh(found, with_for_update={"key_share": True})
    if found.deleted_at is not None:
        raise NotFound.by(sent)
    return found


def find_version(session: Session, tenant_id: str, dataset: str, version: str = LATEST) -> DatasetVersion:
    """A version of a dataset by its id or number.

    `latest`: the version that `dataset` names; else the newest ready one, or the newest where none is ready. Raises
    NotFound.
    """
    asked, owner = parse(dataset), find(session, tenant_id, dataset)
    if version == LATEST and asked.version_id is not None:
        version = asked.version_id
    elif version == LATEST and asked.number is not None:
        version = str(asked.number)
    statement = living_versions(owner.id)
    if version.isdecimal():
        statement = statement.where(DatasetVersion.number == int(version))
    elif version != LATEST:
        statement = statement.where(DatasetVersion.id == version)
    elif owner.latest_version_id:
        statement = statement.where(DatasetVersion.id == owner.latest_version_id)
    found = session.scalars(statement.order_by(DatasetVersion.id.desc()).limit(1)).one_or_none()
    if found is None:
        raise NotFound.by(version if version != LATEST else dataset)
    return found


def ready_version(session: Session, tenant_id: str, sent: str, *, pointer: str = "/dataset") -> DatasetVersion:
    """The version a job trains on; `pointer` is where it was named. Raises Invalid, DatasetNotReady or DatasetFailed.

    Its dataset is held against deletion until the transaction ends: the job that names it is not yet visible there.
    """
    try:
        dataset = find(session, tenant_id, sent)
        session.refresh(dataset, with_for_update={"read": True, "key_share": True})
        if dataset.deleted_at is not None:
            raise NotFound.by(sent)
        version = find_version(session, tenant_id, sent)
    except NotFound as error:
        what = f"There is no dataset or version {sent!r}. `patchswap datasets list` shows what there is."
        raise Invalid(what, pointer=pointer) from error
    if version.status != "ready":
        raise _without_pack(version)
    return version


def living_versions(dataset_id: str) -> Select[DatasetVersion]:
    return select(DatasetVersion).where(DatasetVersion.dataset_id == dataset_id, DatasetVersion.deleted_at.is_(None))


def newest_versions(session: Session, dataset_ids: list[str]) -> dict[str, DatasetVersion]:
    """The version of each dataset that was pushed last, ready or not."""
    last = (
        select(func.max(DatasetVersion.id))
        .where(DatasetVersion.dataset_id.in_(dataset_ids), DatasetVersion.deleted_at.is_(None))
        .group_by(DatasetVersion.dataset_id)
    )
    found = session.scalars(select(DatasetVersion).where(DatasetVersion.id.in_(last)))
    return {version.dataset_id: version for version in found}


def _numbered(session: Session, dataset_id: str, number: int) -> DatasetVersion | None:
    return session.scalars(living_versions(dataset_id).where(DatasetVersion.number == number)).one_or_none()


def _living(session: Session, tenant_id: str, version_id: str) -> DatasetVersion:
    version = owned.find(session, DatasetVersion, tenant_id, version_id)
    if version.deleted_at is not None:
        raise NotFound.by(version_id)
    return version


def _without_pack(version: DatasetVersion) -> Conflict:
    """Waiting helps with one that is being read, not with one that failed."""
    if version.status == "failed":
        report = f"/v1/datasets/{version.dataset_id}/versions/{version.id}/validation"
        return DatasetFailed(
            f"No dataset could be made of the archive. {report} says why. Correct the archive and push it again."
        )
    return DatasetNotReady(f"The dataset is still being read. Wait until /v1/datasets/{version.dataset_id} is ready.")
