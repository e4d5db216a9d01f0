"""Sweeps: submit, look, cancel, delete. What a sweep does next is the driver's, in a worker."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Request, Response
from sqlalchemy.orm import Session

from api.identity.authentication import Reading, Writing
from api.routes import documented
from api.schemas import sweeps as schema
from api.schemas.described import Described
from api.schemas.sweeps import Sweep, SweepWithTrials
from api.wire import answers, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import SweepId
from api.writes.idempotency import OneTime
from api.writes.removal import forget
from api.writes.transactions import Database
from core import listing, tables
from core.database import owned
from core.sweeps import ledger, requests, views
from core.sweeps.spec import SweepSpec

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"], route_class=JsonRoute)

SweepBody = Annotated[dict[str, Any], Described(SweepSpec), Body(openapi_examples=schema.SWEEP_EXAMPLES)]
RETRY_SECONDS = "5"  # for pollers of a running sweep; its driver looks every ten seconds
_PROBLEMS = documented.problems(*documented.WRITE)


@router.post("", status_code=202, operation_id="create_sweep", response_model=SweepWithTrials, responses=_PROBLEMS)
def create_sweep(principal: Writing, once: OneTime, session: Database, sweep: SweepBody) -> Response:
    """Search for good settings on the validation split. The best ones are then trained and tested as a job."""
    found = requests.submit(session, principal.tenant_id, sweep)
    headers = {"Location": f"/v1/sweeps/{found.id}", "Retry-After": RETRY_SECONDS}
    answer = once.answer(202, _page(session, found), headers=headers)
    session.commit()
    return answer


@router.get("", operation_id="list_sweeps", response_model=Page[Sweep], responses=documented.problems(*documented.LIST))
def list_sweeps(request: Request, principal: Reading, session: Database, window: InOrder) -> Response:
    """List sweeps, without their trials."""
    found = views.read(session, listing.sweeps(session, principal.tenant_id, window))
    return paging.page(request, [(one.sweep.id, schema.page(one)) for one in found], window.limit)


@router.get(
    "/{sweep_id}",
    operation_id="get_sweep",
    response_model=SweepWithTrials,
    responses=documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
def get_sweep(request: Request, principal: Reading, session: Database, sweep_id: SweepId) -> Response:
    """Read a sweep with every trial, and the best of them."""
    found = owned.find(session, tables.Sweep, principal.tenant_id, sweep_id)
    headers = {"Retry-After": RETRY_SECONDS} if found.status == "running" else {}
    return answers.one(request, _page(session, found), headers=headers)


@router.post("/{sweep_id}/cancel", operation_id="cancel_sweep", response_model=SweepWithTrials, responses=_PROBLEMS)
def cancel_sweep(principal: Writing, once: OneTime, session: Database, sweep_id: SweepId) -> Response:
    """Cancel a sweep and its jobs. Results of its trials are kept."""
    found = requests.cancel(session, principal.tenant_id, sweep_id)
    answer = once.answer(200, _page(session, found))
    session.commit()
    return answer


@router.delete(
    "/{sweep_id}",
    status_code=204,
    response_class=Response,
    operation_id="delete_sweep",
    responses=documented.problems(*documented.REMOVE),
)
def delete_sweep(
    request: Request,
    principal: Writing,
    session: Database,
    sweep_id: SweepId,
    *,
    jobs: Annotated[
        Literal["keep", "delete"],
        Query(description="Whether its jobs are kept or deleted, with their models and files."),
    ] = "keep",
) -> Response:
    """Delete a sweep that has ended. Its jobs stay, unless `jobs=delete`."""
    found = owned.find(session, tables.Sweep, principal.tenant_id, sweep_id, lock=True)
    answers.require_match(request, lambda: answers.entity_tag(answers.encode(_page(session, found))))
    prefixes = requests.delete(session, principal.tenant_id, sweep_id, with_jobs=jobs == "delete")
    session.commit()
    return forget(prefixes)


def _page(session: Session, sweep: tables.Sweep) -> SweepWithTrials:
    (found,) = views.read(session, [sweep])
    return schema.page_with_trials(found, ledger.trials(session, sweep))
