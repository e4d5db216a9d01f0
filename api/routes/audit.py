"""The audit log of a tenant. It needs the scope admin, and nothing but reading is there."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.identity.authentication import Administering
from api.routes import documented
from api.schemas.audit import AuditEntry
from api.wire import paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.writes.transactions import Database
from core import listing

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=JsonRoute)


@router.get(
    "", operation_id="list_audit_log", response_model=Page[AuditEntry], responses=documented.problems(*documented.LIST)
)
def list_audit_log(request: Request, principal: Administering, session: Database, window: InOrder) -> Response:
    """List every change by one of the tenant's keys: which key, in which request, to what."""
    found = listing.audit_log(session, principal.tenant_id, window)
    entries = [(entry.id, AuditEntry.model_validate(entry, from_attributes=True)) for entry in found]
    return paging.page(request, entries, window.limit)
