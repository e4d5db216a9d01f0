"""Datasets: a name, and immutable versions made of uploads. Their versions: `api.routes.dataset_versions`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from api.identity.authentication import Reading, Writing
from api.routes import documented
from api.schemas.datasets import Dataset, NewDataset, NewestVersion, NewVersion, Renamed
from api.wire import answers, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import DatasetId
from api.writes.idempotency import OneTime
from api.writes.removal import forget
from api.writes.transactions import Database
from core import listing, queue, removals, tables
from core.accounts import quotas
from core.datasets import ledger as datasets
from core.datasets import references

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], route_class=JsonRoute)
_GET = documented.problems(*documented.READ) | documented.NOT_MODIFIED
Force = Annotated[bool, Query(description="Cancel the work that needs it, and delete it although models need it.")]


@router.post(
    "",
    status_code=202,
    operation_id="create_dataset",
    response_model=Dataset,
    responses={
        200: {"model": Dataset, "description": "Nothing is added: its newest version is of these bytes."},
        **documented.problems(*documented.WRITE),
    },
)
def create_dataset(principal: Writing, once: OneTime, session: Database, body: NewDataset) -> Response:
    """Make a dataset of a complete upload, or the next version of the dataset by this name.

    It is ingested in the background: wait until `newest_version.status` is ready. Jobs keep their version.
    """
    pushed = datasets.push(
        session,
        principal.tenant_id,
        name=body.name,
        upload_id=body.upload_id,
        task=body.task,
        splits=splits_of(body),
        reading=reading_of(body),
    )
    headers = {"Location": f"/v1/datasets/{pushed.dataset.id}", "Retry-After": "1"}
    status = 202 if pushed.added else 200
    answer = once.answer(status, _page(pushed.dataset, pushed.version), headers=headers)
    session.commit()
    if pushed.added:
        queue.ring("worker.ingest", pushed.version.id)
    return answer


@router.get(
    "", operation_id="list_datasets", response_model=Page[Dataset], responses=documented.problems(*documented.LIST)
)
def list_datasets(request: Request, principal: Reading, session: Database, window: InOrder) -> Response:
    found = listing.datasets_of(session, principal.tenant_id, window)
    newest = references.newest_versions(session, [dataset.id for dataset in found])
    return paging.page(request, [(one.id, _page(one, newest.get(one.id))) for one in found], window.limit)


@router.get("/{dataset_id}", operation_id="get_dataset", response_model=Dataset, responses=_GET)
def get_dataset(request: Request, principal: Reading, session: Database, dataset_id: DatasetId) -> Response:
    page = _read(session, references.find(session, principal.tenant_id, dataset_id))
    unread = page.newest_version is not None and page.newest_version.status in ("queued", "running")
    return answers.one(request, page, headers={"Retry-After": "1"} if unread else {})


@router.patch(
    "/{dataset_id}",
    operation_id="rename_dataset",
    response_model=Dataset,
    responses=documented.problems(*documented.WRITE, 412),
)
def rename_dataset(
    request: Request, principal: Writing, session: Database, dataset_id: DatasetId, body: Renamed
) -> Response:
    """Give a dataset another name. Jobs, models and comparisons keep it: they hold ids."""
    quotas.hold(session, principal.tenant_id)
    dataset = references.find(session, principal.tenant_id, dataset_id, lock=True)
    answers.require_match(request, lambda: _tag(session, dataset))
    datasets.rename(session, principal.tenant_id, dataset, body.name)
    page = answers.encode(_read(session, dataset))
    session.commit()
    return answers.json(200, page, headers={"ETag": answers.entity_tag(page)})


@router.delete(
    "/{dataset_id}",
    status_code=204,
    response_class=Response,
    operation_id="delete_dataset",
    responses=documented.problems(*documented.REMOVE),
)
def delete_dataset(
    request: Request, principal: Writing, session: Database, dataset_id: DatasetId, *, force: Force = False
) -> Response:
    """Delete a dataset with all versions and their archives.

    409 `in_use` lists the jobs, sweeps, exports and models that need it in `used_by`.
    """
    dataset = removals.hold(session, principal.tenant_id, dataset_id)
    answers.require_match(request, lambda: _tag(session, dataset))
    prefixes = removals.delete_dataset(session, dataset, force=force)
    session.commit()
    return forget(prefixes)


def splits_of(body: NewVersion) -> dict[str, Any] | None:
    return body.splits.model_dump() if body.splits else None


def reading_of(body: NewVersion) -> dict[str, Any] | None:
    return body.reading.model_dump(mode="json", exclude_defaults=True) or None if body.reading else None


def _tag(session: Session, dataset: tables.Dataset) -> str:
    return answers.entity_tag(answers.encode(_read(session, dataset)))


def _read(session: Session, dataset: tables.Dataset) -> Dataset:
    return _page(dataset, references.newest_versions(session, [dataset.id]).get(dataset.id))


def _page(row: tables.Dataset, newest: tables.DatasetVersion | None) -> Dataset:
    return Dataset(
        id=row.id,
        name=row.name,
        task=row.task,
        status=row.status,
        latest_version_id=row.latest_version_id,
        newest_version=NewestVersion.model_validate(newest, from_attributes=True) if newest else None,
        error=row.error,
        created_at=row.created_at,
    )
