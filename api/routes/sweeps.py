"""Sweeps: submit, look, cancel. What a sweep does next is the driver's, in a worker."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from sqlalchemy.orm import Session

from api import answers, paging
from api.authentication import Reading, Writing
from api.bodies import JsonRoute
from api.idempotency import OneTime
from api.paging import InOrder, Page
from api.path_ids import SweepId
from api.routes import documented
from api.schemas import sweeps as schema
from api.schemas.described import Described
from api.schemas.sweeps import Sweep, SweepWithTrials
from api.sessions import Database
from core import listing, tables
from core.spec import SweepSpec
from core.sweeps import ledger, pages, requests

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"], route_class=JsonRoute)

SweepBody = Annotated[dict[str, Any], Described(SweepSpec), Body(openapi_examples=schema.SWEEP_EXAMPLES)]
RETRY_SECONDS = "5"  # for pollers of a running sweep; its driver looks every ten seconds
_PROBLEMS = documented.problems(*documented.WRITE)


@router.post("", status_code=202, operation_id="create_sweep", response_model=SweepWithTrials, responses=_PROBLEMS)
def create_sweep(principal: Writing, once: OneTime, session: Database, sweep: SweepBody) -> Response:
    """Search a job's spec by trials on the validation split; the best one is then trained and tested as a job."""
    found = requests.submit(session, principal.tenant_id, sweep)
    headers = {"Location": f"/v1/sweeps/{found.id}", "Retry-After": RETRY_SECONDS}
    answer = once.answer(202, _page(session, found), headers=headers)
    session.commit()
    return answer


@router.get("", operation_id="list_sweeps", response_model=Page[Sweep], responses=documented.problems(*documented.LIST))
def list_sweeps(request: Request, principal: Reading, session: Database, window: InOrder) -> Response:
    """Sweeps without their trials."""
    found = pages.read(session, listing.sweeps(session, principal.tenant_id, window))
    return paging.page(request, [(one.sweep.id, schema.page(one)) for one in found], window.limit)


@router.get(
    "/{sweep_id}",
    operation_id="get_sweep",
    response_model=SweepWithTrials,
    responses=documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
def get_sweep(request: Request, principal: Reading, session: Database, sweep_id: SweepId) -> Response:
    """One sweep with every trial, and the best of them."""
    found = requests.find(session, principal.tenant_id, sweep_id)
    headers = {"Retry-After": RETRY_SECONDS} if found.status == "running" else {}
    return answers.one(request, _page(session, found), headers=headers)


@router.post("/{sweep_id}/cancel", operation_id="cancel_sweep", response_model=SweepWithTrials, responses=_PROBLEMS)
def cancel_sweep(principal: Writing, once: OneTime, session: Database, sweep_id: SweepId) -> Response:
    """End the sweep and its jobs. What its trials found until now stays."""
    found = requests.cancel(session, principal.tenant_id, sweep_id)
    answer = once.answer(200, _page(session, found))
    session.commit()
    return answer


def _page(session: Session, sweep: tables.Sweep) -> SweepWithTrials:
    (found,) = pages.read(session, [sweep])
    return schema.page_with_trials(found, ledger.trials(session, sweep))
