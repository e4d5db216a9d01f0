"""API keys of a tenant. All of it needs the scope admin."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.identity.authentication import Administering
from api.routes import documented
from api.schemas.keys import ApiKey, CreatedKey, NewKey
from api.wire import answers, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import KeyId
from api.writes.idempotency import OneTime
from api.writes.transactions import Database
from core import listing, tables
from core.accounts import keys
from core.database import owned

router = APIRouter(prefix="/v1/api_keys", tags=["api_keys"], route_class=JsonRoute)


@router.post(
    "",
    status_code=201,
    operation_id="create_api_key",
    response_model=CreatedKey,
    responses=documented.problems(*documented.WRITE),
)
def create_api_key(principal: Administering, once: OneTime, session: Database, body: NewKey) -> Response:
    """Create a key. It is in this answer only, because only its SHA-256 is stored."""
    row, secret = keys.create(
        session, principal.tenant_id, name=body.name, scopes=body.scopes, expires_at=body.expires_at
    )
    session.refresh(row)
    told = CreatedKey(**_page(row).model_dump(), api_key=secret)
    answer = once.tell_once(201, told, "api_key", location=f"/v1/api_keys/{row.id}")
    session.commit()
    return answer


@router.get(
    "", operation_id="list_api_keys", response_model=Page[ApiKey], responses=documented.problems(*documented.LIST)
)
def list_api_keys(request: Request, principal: Administering, session: Database, window: InOrder) -> Response:
    """List keys, also revoked ones."""
    found = listing.keys(session, principal.tenant_id, window)
    return paging.page(request, [(key.id, _page(key)) for key in found], window.limit)


@router.get(
    "/{key_id}",
    operation_id="get_api_key",
    response_model=ApiKey,
    responses=documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
def get_api_key(request: Request, principal: Administering, session: Database, key_id: KeyId) -> Response:
    return answers.one(request, _page(owned.find(session, tables.ApiKey, principal.tenant_id, key_id)))


@router.delete(
    "/{key_id}",
    status_code=204,
    response_class=Response,
    operation_id="revoke_api_key",
    responses=documented.problems(*documented.REMOVE),
)
def revoke_api_key(request: Request, principal: Administering, session: Database, key_id: KeyId) -> Response:
    """Revoke a key at once. Revoking it again is no error."""
    row = owned.find(session, tables.ApiKey, principal.tenant_id, key_id)
    answers.require_match(request, lambda: answers.entity_tag(answers.encode(_page(row))))
    keys.revoke(session, principal.tenant_id, key_id)
    session.commit()
    return answers.nothing()


def _page(row: tables.ApiKey) -> ApiKey:
    return ApiKey.model_validate(row, from_attributes=True)
