"""The versions of a dataset: added, looked at, compared, downloaded, deleted."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.identity.authentication import Reading, Writing
from api.routes import documented
from api.routes.datasets import Force, reading_of, splits_of
from api.schemas.datasets import (
    Archive,
    DatasetVersion,
    NewVersion,
    Report,
    VersionChanges,
)
from api.wire import answers, downloads, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import DatasetId, VersionId
from api.writes.idempotency import OneTime
from api.writes.removal import forget
from api.writes.transactions import Database
from contract.pack.manifest import PackManifest
from contract.results.inspected import Inspection
from core import listing, queue, removals, tables
from core.accounts import quotas
from core.datasets import inspections, references, uploads
from core.datasets import ledger as datasets
from core.errors import DatasetNotReady, Gone

router = APIRouter(prefix="/v1/datasets/{dataset_id}/versions", tags=["datasets"], route_class=JsonRoute)
_ENDINGS = {
    "application/zip": ".zip",
    "application/x-tar": ".tar",
    "application/gzip": ".tar.gz",
    "application/octet-stream": ".npz",
    "application/vnd.apache.parquet": ".parquet",
}
_GET = documented.problems(*documented.READ) | documented.NOT_MODIFIED


@router.post(
    "",
    status_code=202,
    operation_id="create_dataset_version",
    response_model=DatasetVersion,
    responses={
        200: {"model": DatasetVersion, "description": "Nothing is added: the newest version is of these bytes."},
        **documented.problems(*documented.WRITE),
    },
)
def create_dataset_version(
    principal: Writing, once: OneTime, session: Database, dataset_id: DatasetId, body: NewVersion
) -> Response:
    """Add a version to the dataset, from another upload. Jobs keep the version they were created with."""
    quotas.hold(session, principal.tenant_id)
    dataset = references.find(session, principal.tenant_id, dataset_id, lock=True)
    pushed = datasets.add_version(
        session, dataset, upload_id=body.upload_id, splits=splits_of(body), reading=reading_of(body)
    )
    location = {"Location": f"/v1/datasets/{dataset.id}/versions/{pushed.version.id}", "Retry-After": "1"}
    answer = once.answer(202 if pushed.added else 200, _read(session, pushed.version), headers=location)
    session.commit()
    if pushed.added:
        queue.ring("worker.ingest", pushed.version.id)
    return answer


@router.get(
    "",
    operation_id="list_dataset_versions",
    response_model=Page[DatasetVersion],
    responses=documented.problems(*documented.LIST),
)
def list_dataset_versions(
    request: Request, principal: Reading, session: Database, window: InOrder, dataset_id: DatasetId
) -> Response:
    found = listing.versions(session, principal.tenant_id, dataset_id, window)
    pages = zip(found, _pages(session, found), strict=True)
    return paging.page(request, [(version.id, page) for version, page in pages], window.limit)


@router.get(
    "/{version_id}",
    operation_id="get_dataset_version",
    response_model=DatasetVersion,
    responses=_GET,
)
def get_dataset_version(
    request: Request, principal: Reading, session: Database, dataset_id: DatasetId, version_id: VersionId
) -> Response:
    version = references.find_version(session, principal.tenant_id, dataset_id, version_id)
    return answers.one(request, _read(session, version))


@router.delete(
    "/{version_id}",
    status_code=204,
    response_class=Response,
    operation_id="delete_dataset_version",
    responses=documented.problems(*documented.REMOVE),
)
def delete_dataset_version(
    request: Request,
    principal: Writing,
    session: Database,
    dataset_id: DatasetId,
    version_id: VersionId,
    *,
    force: Force = False,
) -> Response:
    """Delete a version and its archive, while another version that is ready stays. Its number is not given again.

    409 `in_use` lists the jobs, sweeps, exports and models that need it in `used_by`.
    """
    dataset = removals.hold(session, principal.tenant_id, dataset_id)
    version = references.find_version(session, principal.tenant_id, dataset_id, version_id)
    answers.require_match(request, lambda: answers.entity_tag(answers.encode(_read(session, version))))
    prefixes = removals.delete_version(session, dataset, version, force=force)
    session.commit()
    return forget(prefixes)


@router.get(
    "/{version_id}/validation",
    operation_id="get_dataset_validation",
    response_model=Report,
    responses=_GET | documented.problems(409),
)
def get_dataset_validation(
    request: Request, principal: Reading, session: Database, dataset_id: DatasetId, version_id: VersionId
) -> Response:
    """Read what was found in the archive, file by file, and how to correct it; also if it was refused."""
    version = references.find_version(session, principal.tenant_id, dataset_id, version_id)
    if version.report is None:
        raise DatasetNotReady(
            f"The version is {version.status} and has no report. Wait until it is ready or failed.", error=version.error
        )
    return answers.one(request, version.report)


@router.get(
    "/{version_id}/inspection",
    operation_id="get_dataset_inspection",
    response_model=Inspection,
    responses=_GET | documented.problems(409),
)
def get_dataset_inspection(
    request: Request, principal: Reading, session: Database, dataset_id: DatasetId, version_id: VersionId
) -> Response:
    """Read what to look at before training: near-duplicates, classes that look alike, sizes, images left out."""
    version = references.find_version(session, principal.tenant_id, dataset_id, version_id)
    prefix = version.object_prefix
    if prefix is None:
        raise DatasetNotReady(
            f"The version is {version.status} and has no inspection. One that is ready has.", error=version.error
        )
    session.rollback()  # the bucket may be slow
    return answers.one(request, Inspection.model_validate_json(inspections.inspection(prefix)))


@router.get(
    "/{version_id}/archive",
    operation_id="download_dataset_archive",
    response_class=Response,
    responses=documented.FILE | _GET | documented.problems(410, 416),
)
def download_dataset_archive(
    request: Request, principal: Reading, session: Database, dataset_id: DatasetId, version_id: VersionId
) -> Response:
    """The archive as it was pushed, byte for byte, also of a version that failed."""
    version = references.find_version(session, principal.tenant_id, dataset_id, version_id)
    upload, page = session.get_one(tables.Upload, version.upload_id), _read(session, version)
    if upload.status != "complete" or upload.sha256 is None:  # a complete one has it
        raise Gone("The upload of this version was deleted. Its images are still there: GET .../samples.")
    parts = [(uploads.part_key(upload, n), uploads.part_bytes(upload, n)) for n in uploads.part_numbers(upload)]
    session.rollback()
    file = downloads.File(
        key=parts[0][0],
        bytes=upload.bytes,
        sha256=upload.sha256,
        name=page.archive.file_name,
        media_type=upload.media_type,
        parts=tuple(parts) if len(parts) > 1 else (),
    )
    return downloads.answer(request, file)


def _read(session: Session, version: tables.DatasetVersion) -> DatasetVersion:
    return _pages(session, [version])[0]


def _pages(session: Session, versions: Sequence[tables.DatasetVersion]) -> list[DatasetVersion]:
    ids = {version.upload_id for version in versions}
    found = {one.id: one for one in session.scalars(select(tables.Upload).where(tables.Upload.id.in_(ids)))}
    named = select(tables.Dataset.id, tables.Dataset.name).where(
        tables.Dataset.id.in_({version.dataset_id for version in versions})
    )
    names = {row.id: row.name for row in session.execute(named)}
    return [_version(one, found[one.upload_id], names[one.dataset_id]) for one in versions]


def _version(row: tables.DatasetVersion, upload: tables.Upload, name: str) -> DatasetVersion:
    manifest = PackManifest.model_validate(row.manifest) if row.manifest else None
    return DatasetVersion(
        id=row.id,
        dataset_id=row.dataset_id,
        number=row.number,
        changes=VersionChanges.model_validate(row.changes) if row.changes else None,
        upload_id=row.upload_id,
        status=row.status,
        digest=manifest.digest if manifest else None,
        classes=manifest.classes if manifest else None,
        superclasses=manifest.superclasses if manifest else None,
        counts=manifest.counts if manifest else None,
        samples=manifest.samples if manifest else None,
        image_size=list(manifest.image_size) if manifest and manifest.image_size else None,
        median_size=list(manifest.median_size) if manifest else None,
        channels=manifest.channels if manifest else None,
        bytes=manifest.bytes if manifest else None,
        splits=_sizes(manifest) if manifest else None,
        evaluation_split=manifest.evaluation_split if manifest else None,
        pairability=manifest.pairability if manifest else None,
        requested_splits=row.splits,
        reading=row.reading,
        archive=Archive(
            bytes=upload.bytes,
            sha256=upload.sha256,
            media_type=upload.media_type,
            file_name=_file_name(name, row.number, upload.media_type),
            url=f"/v1/datasets/{row.dataset_id}/versions/{row.id}/archive",
        ),
        error=row.error,
        created_at=row.created_at,
    )


def _sizes(manifest: PackManifest) -> dict[str, int]:
    return {split: manifest.split_size(split) for split in ("train", "val", "test") if split in manifest.counts}


def _file_name(name: str, number: int | None, media_type: str) -> str:
    """One that every system takes, with the ending that `patchswap datasets push` knows."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in name)[:80].strip(".")
    return f"{plain or 'dataset'}-{number or 0}{_ENDINGS.get(media_type, '')}"
