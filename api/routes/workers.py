"""Which workers the service has."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request, Response

from api.identity.authentication import MUST_READ
from api.routes import documented
from api.schemas.workers import Worker
from api.wire import paging
from api.wire.bodies import JsonRoute
from api.wire.paging import Page
from api.writes.transactions import Database
from core import workers

router = APIRouter(prefix="/v1/workers", tags=["service"], route_class=JsonRoute, dependencies=[MUST_READ])


@router.get(
    "",
    operation_id="list_workers",
    response_model=Page[Worker],
    responses=documented.problems(401, 403, 500, 503),
)
def list_workers(request: Request, session: Database) -> Response:
    """List workers that ran within a day, those that run first. Without a worker of `train`, jobs wait."""
    found = [Worker.model_validate(asdict(worker)) for worker in workers.seen(session)]
    return paging.page(request, [(str(place), worker) for place, worker in enumerate(found)], max(1, len(found)))
