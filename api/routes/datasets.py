"""Datasets: made from uploads, ingested in the background, immutable version by version."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.identity.authentication import Reading, Writing
from api.routes import documented
from api.schemas.datasets import Dataset, DatasetVersion, NewDataset, NewVersion, Report
from api.wire import answers, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import DatasetId, VersionId
from api.writes.idempotency import OneTime
from api.writes.removal import forget
from api.writes.transactions import Database
from contract.pack.manifest import PackManifest
from contract.results.inspected import Inspection
from core import listing, queue, tables
from core.datasets import inspections
from core.datasets import ledger as datasets
from core.errors import DatasetNotReady

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], route_class=JsonRoute)
_GET = documented.problems(*documented.READ) | documented.NOT_MODIFIED


@router.post(
    "",
    status_code=202,
    operation_id="create_dataset",
    response_model=Dataset,
    responses=documented.problems(*documented.WRITE),
)
def create_dataset(principal: Writing, once: OneTime, session: Database, body: NewDataset) -> Response:
    """Make a dataset of a complete upload. It is ingested in the background: wait until `status` is ready."""
    dataset, version = datasets.create(
        session,
        principal.tenant_id,
        name=body.name,
        upload_id=body.upload_id,
        task=body.task,
        splits=_splits(body),
        reading=_reading(body),
    )
    location = {"Location": f"/v1/datasets/{dataset.id}", "Retry-After": "1"}
    answer = once.answer(202, _dataset(dataset), headers=location)
    session.commit()
    queue.ring("worker.ingest", version.id)
    return answer


@router.get(
    "", operation_id="list_datasets", response_model=Page[Dataset], responses=documented.problems(*documented.LIST)
)
def list_datasets(request: Request, principal: Reading, session: Database, window: InOrder) -> Response:
    found = listing.datasets_of(session, principal.tenant_id, window)
    return paging.page(request, [(dataset.id, _dataset(dataset)) for dataset in found], window.limit)


@router.get("/{dataset_id}", operation_id="get_dataset", response_model=Dataset, responses=_GET)
def get_dataset(request: Request, principal: Reading, session: Database, dataset_id: DatasetId) -> Response:
    dataset = datasets.find(session, principal.tenant_id, dataset_id)
    headers = {"Retry-After": "1"} if dataset.status == "ingesting" else {}
    return answers.one(request, _dataset(dataset), headers=headers)


@router.delete(
    "/{dataset_id}",
    status_code=204,
    response_class=Response,
    operation_id="delete_dataset",
    responses=documented.problems(*documented.REMOVE),
)
def delete_dataset(request: Request, principal: Writing, session: Database, dataset_id: DatasetId) -> Response:
    """Delete a dataset with all versions, unless a job that has not ended uses one."""
    dataset = datasets.find(session, principal.tenant_id, dataset_id, lock=True)
    answers.require_match(request, lambda: answers.entity_tag(answers.encode(_dataset(dataset))))
    prefixes = datasets.delete(session, principal.tenant_id, dataset_id)
    session.commit()
    return forget(prefixes)


@router.post(
    "/{dataset_id}/versions",
    status_code=202,
    operation_id="create_dataset_version",
    response_model=DatasetVersion,
    responses=documented.problems(*documented.WRITE),
)
def create_dataset_version(
    principal: Writing, once: OneTime, session: Database, dataset_id: DatasetId, body: NewVersion
) -> Response:
    """Add a version to the dataset, from another upload. Jobs keep the version they were created with."""
    dataset = datasets.find(session, principal.tenant_id, dataset_id, lock=True)
    version = datasets.add_version(
        session, dataset, upload_id=body.upload_id, splits=_splits(body), reading=_reading(body)
    )
    location = {"Location": f"/v1/datasets/{dataset_id}/versions/{version.id}", "Retry-After": "1"}
    answer = once.answer(202, _version(version), headers=location)
    session.commit()
    queue.ring("worker.ingest", version.id)
    return answer


@router.get(
    "/{dataset_id}/versions",
    operation_id="list_dataset_versions",
    response_model=Page[DatasetVersion],
    responses=documented.problems(*documented.LIST),
)
def list_dataset_versions(
    request: Request, principal: Reading, session: Database, window: InOrder, dataset_id: DatasetId
) -> Response:
    found = listing.versions(session, principal.tenant_id, dataset_id, window)
    return paging.page(request, [(version.id, _version(version)) for version in found], window.limit)


@router.get(
    "/{dataset_id}/versions/{version_id}",
    operation_id="get_dataset_version",
    response_model=DatasetVersion,
    responses=_GET,
)
def get_dataset_version(
    request: Request, principal: Reading, session: Database, dataset_id: DatasetId, version_id: VersionId
) -> Response:
    version = datasets.find_version(session, principal.tenant_id, dataset_id, version_id)
    return answers.one(request, _version(version))


@router.get(
    "/{dataset_id}/versions/{version_id}/validation",
    operation_id="get_dataset_validation",
    response_model=Report,
    responses=_GET | documented.problems(409),
)
def get_dataset_validation(
    request: Request, principal: Reading, session: Database, dataset_id: DatasetId, version_id: VersionId
) -> Response:
    """Read what was found in the archive, file by file, and how to correct it; also if it was refused."""
    version = datasets.find_version(session, principal.tenant_id, dataset_id, version_id)
    if version.report is None:
        raise DatasetNotReady(f"There is no report: the version is {version.status}.", error=version.error)
    return answers.one(request, version.report)


@router.get(
    "/{dataset_id}/versions/{version_id}/inspection",
    operation_id="get_dataset_inspection",
    response_model=Inspection,
    responses=_GET | documented.problems(409),
)
def get_dataset_inspection(
    request: Request, principal: Reading, session: Database, dataset_id: DatasetId, version_id: VersionId
) -> Response:
    """Read what to look at before training: near-duplicates, classes that look alike, sizes, images left out."""
    version = datasets.find_version(session, principal.tenant_id, dataset_id, version_id)
    prefix = version.object_prefix
    if prefix is None:
        raise DatasetNotReady(f"There is no inspection: the version is {version.status}.", error=version.error)
    session.rollback()  # the bucket may be slow
    return answers.one(request, Inspection.model_validate_json(inspections.inspection(prefix)))


def _splits(body: NewVersion) -> dict[str, Any] | None:
    return body.splits.model_dump() if body.splits else None


def _reading(body: NewVersion) -> dict[str, Any] | None:
    return body.reading.model_dump(mode="json", exclude_defaults=True) or None if body.reading else None


def _dataset(row: tables.Dataset) -> Dataset:
    return Dataset.model_validate(row, from_attributes=True)


def _version(row: tables.DatasetVersion) -> DatasetVersion:
    manifest = PackManifest.model_validate(row.manifest) if row.manifest else None
    return DatasetVersion(
        id=row.id,
        dataset_id=row.dataset_id,
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
        error=row.error,
        created_at=row.created_at,
    )


def _sizes(manifest: PackManifest) -> dict[str, int]:
    return {split: manifest.split_size(split) for split in ("train", "val", "test") if split in manifest.counts}
