"""Pretrained weights: the built-in ones, and those a tenant pushed, which are read in the background."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.identity.authentication import Reading, Writing
from api.routes import documented
from api.schemas.weights import NewWeights, Weights, WeightsInput
from api.wire import answers, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import WeightsId
from api.writes.idempotency import OneTime
from api.writes.removal import forget
from api.writes.transactions import Database
from contract.weights import BUILT_IN, BuiltIn
from core import listing, queue, tables
from core.weights import pushed, requests
from core.weights.requests import Description

router = APIRouter(prefix="/v1/weights", tags=["weights"], route_class=JsonRoute)
LIVE = ("queued", "running")


@router.post(
    "",
    status_code=202,
    operation_id="create_weights",
    response_model=Weights,
    responses=documented.problems(*documented.WRITE),
)
def create_weights(principal: Writing, once: OneTime, session: Database, body: NewWeights) -> Response:
    """Create weights from a complete upload of a safetensors file. Wait until `status` is ready."""
    described = Description(**body.model_dump(exclude={"upload_id", "input"}), input=body.input)
    row = requests.create(session, principal.tenant_id, upload_id=body.upload_id, of=described)
    answer = once.answer(202, _pushed(row), headers={"Location": f"/v1/weights/{row.id}", "Retry-After": "1"})
    session.commit()
    queue.ring("worker.weights", row.id)
    return answer


@router.get(
    "", operation_id="list_weights", response_model=Page[Weights], responses=documented.problems(*documented.LIST)
)
def list_weights(request: Request, principal: Reading, session: Database, window: InOrder) -> Response:
    """List built-in weights and the tenant's own."""
    found = [_page(each) for each in listing.weights(session, principal.tenant_id, window)]
    return paging.page(request, [(each.id, each) for each in found], window.limit)


@router.get(
    "/{weights_id}",
    operation_id="get_weights",
    response_model=Weights,
    responses=documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
def get_weights(request: Request, principal: Reading, session: Database, weights_id: WeightsId) -> Response:
    found = BUILT_IN.get(weights_id) or requests.find(session, principal.tenant_id, weights_id)
    page = _page(found)
    return answers.one(request, page, headers={"Retry-After": "1"} if page.status in LIVE else {})


@router.delete(
    "/{weights_id}",
    status_code=204,
    response_class=Response,
    operation_id="delete_weights",
    responses=documented.problems(*documented.REMOVE),
)
def delete_weights(request: Request, principal: Writing, session: Database, weights_id: WeightsId) -> Response:
    """Delete pushed weights with their file, unless a job that has not ended begins with them."""
    if weights_id not in BUILT_IN:
        row = requests.find(session, principal.tenant_id, weights_id, lock=True)
        answers.require_match(request, lambda: answers.entity_tag(answers.encode(_pushed(row))))
    prefixes = requests.delete(session, principal.tenant_id, weights_id)
    session.commit()
    return forget(prefixes)


def _page(found: BuiltIn | tables.Weights) -> Weights:
    return _built_in(found) if isinstance(found, BuiltIn) else _pushed(found)


def _built_in(found: BuiltIn) -> Weights:
    card = found.card
    return Weights(
        **card.model_dump(exclude={"input"}),
        input=WeightsInput.model_validate(card.input.model_dump()),
        name=card.architecture,
        built_in=True,
        status="ready" if found.is_installed else "not_installed",
        upload_id=None,
        report=None,
        error=None if found.is_installed else {"code": "not_installed", "remediation": found.installed_by},
        created_at=None,
        links={"self": f"/v1/weights/{card.id}"},
    )


def _pushed(row: tables.Weights) -> Weights:
    return Weights(
        id=row.id,
        name=row.name,
        built_in=False,
        status=row.status,
        architecture=row.architecture,
        task="classification",
        classes=row.classes,
        num_classes=row.num_classes,
        channels=row.channels,
        stem=row.stem,
        input=WeightsInput.model_validate(pushed.rule_of(row).model_dump()),
        licence=row.licence,
        source=row.source,
        sha256=row.sha256,
        bytes=row.bytes,
        upload_id=row.upload_id,
        report=row.report,
        error=row.error,
        created_at=row.created_at,
        links={"self": f"/v1/weights/{row.id}", "upload": f"/v1/uploads/{row.upload_id}"},
    )
