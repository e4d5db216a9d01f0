"""States of a job to resume from: the newest, the best and the pinned are kept."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.identity.authentication import Reading, Writing
from api.routes import documented
from api.schemas.models import Checkpoint
from api.wire import downloads, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import CheckpointId, JobId
from api.writes.idempotency import OneTime
from api.writes.transactions import Database
from core import listing, tables
from core.jobs import requests

router = APIRouter(prefix="/v1/jobs/{job_id}/checkpoints", tags=["checkpoints"], route_class=JsonRoute)

_PROBLEMS = documented.problems(*documented.WRITE)


@router.get(
    "",
    operation_id="list_checkpoints",
    response_model=Page[Checkpoint],
    responses=documented.problems(*documented.LIST),
)
def list_checkpoints(
    request: Request, principal: Reading, session: Database, window: InOrder, job_id: JobId
) -> Response:
    found = listing.checkpoints(session, principal.tenant_id, job_id, window)
    return paging.page(request, [(checkpoint.id, _page(checkpoint)) for checkpoint in found], window.limit)


@router.get(
    "/{checkpoint_id}/download",
    operation_id="download_checkpoint",
    response_class=Response,
    responses=documented.FILE | documented.problems(*documented.READ, 416) | documented.NOT_MODIFIED,
)
def download_checkpoint(
    request: Request, principal: Reading, session: Database, job_id: JobId, checkpoint_id: CheckpointId
) -> Response:
    """Download a checkpoint: a redirect to the object store, or the bytes, with ranges."""
    found = requests.checkpoint_of(session, principal.tenant_id, job_id, checkpoint_id)
    name = f"{job_id}-{found.arm}-step-{found.step:06d}.ckpt"
    file = downloads.File(found.object_key, found.bytes, found.sha256, name, "application/octet-stream")
    return downloads.answer(request, file)


@router.post("/{checkpoint_id}/pin", operation_id="pin_checkpoint", response_model=Checkpoint, responses=_PROBLEMS)
def pin_checkpoint(
    principal: Writing, once: OneTime, session: Database, job_id: JobId, checkpoint_id: CheckpointId
) -> Response:
    """Keep a checkpoint until it is unpinned, or its job is retried or deleted."""
    found = requests.pin(session, principal.tenant_id, job_id, checkpoint_id, pinned=True)
    answer = once.answer(200, _page(found))
    session.commit()
    return answer


@router.post("/{checkpoint_id}/unpin", operation_id="unpin_checkpoint", response_model=Checkpoint, responses=_PROBLEMS)
def unpin_checkpoint(
    principal: Writing, once: OneTime, session: Database, job_id: JobId, checkpoint_id: CheckpointId
) -> Response:
    """Unpin a checkpoint: newer ones may replace it, unless it is the best."""
    found = requests.pin(session, principal.tenant_id, job_id, checkpoint_id, pinned=False)
    answer = once.answer(200, _page(found))
    session.commit()
    return answer


def _page(row: tables.Checkpoint) -> Checkpoint:
    return Checkpoint(
        id=row.id,
        job_id=row.job_id,
        arm=row.arm,
        step=row.step,
        epoch=row.epoch,
        bytes=row.bytes,
        sha256=row.sha256,
        best=row.best,
        pinned=row.pinned,
        metrics=row.metrics,
        created_at=row.created_at,
        links={"download": f"/v1/jobs/{row.job_id}/checkpoints/{row.id}/download"},
    )
