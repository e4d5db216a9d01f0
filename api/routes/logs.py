"""What a job's trainer and worker say, while it runs and after."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.identity.authentication import Reading
from api.routes import documented
from api.schemas.logs import LogLine
from api.wire import paging
from api.wire.bodies import JsonRoute
from api.wire.paging import Page
from api.wire.path_ids import JobId
from api.writes.transactions import Database
from core import tables
from core.database import owned
from core.jobs import logs

router = APIRouter(prefix="/v1/jobs/{job_id}/logs", tags=["logs"], route_class=JsonRoute)
_LAST_SEQ = 2**53


@router.get(
    "", operation_id="list_job_logs", response_model=Page[LogLine], responses=documented.problems(*documented.LIST)
)
def list_job_logs(
    request: Request,
    principal: Reading,
    session: Database,
    job_id: JobId,
    *,
    after: Annotated[int | None, Query(ge=0, le=_LAST_SEQ, description="Only lines beyond this `seq`.")] = None,
    tail: Annotated[int | None, Query(ge=1, le=logs.KEPT_LINES, description="Only the last lines.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Lines on a page.")] = 200,
) -> Response:
    """Lines of the trainer's stderr and of the worker, oldest first; written each second. The newest 5,000 are kept.

    Follow a job by asking again with `after`: the `last_id` of the page before.
    """
    owned.find(session, tables.Job, principal.tenant_id, job_id)
    found = logs.read(session, job_id, after=after, tail=tail, limit=limit)
    return paging.page(request, [(str(line.seq), LogLine.model_validate(line)) for line in found], limit)
