"""An exported file measured again on a device: asked for, looked at; and which devices there are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.identity.authentication import Reading, Writing
from api.routes import documented
from api.schemas.profiles import Device, Profile, ProfileRequest
from api.wire import answers, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import InOrder, Page
from api.wire.path_ids import ModelId, ProfileId
from api.writes.idempotency import OneTime
from api.writes.transactions import Database
from core import listing, tables
from core.database import owned
from core.exports import devices, profiles

router = APIRouter(prefix="/v1", tags=["profiles"], route_class=JsonRoute)


@router.post(
    "/models/{model_id}/profile",
    status_code=202,
    operation_id="create_profile",
    response_model=Profile,
    responses=documented.problems(*documented.WRITE),
)
def create_profile(
    principal: Writing, once: OneTime, session: Database, model_id: ModelId, body: ProfileRequest
) -> Response:
    """Measure an exported file again, on a worker of a device: accuracy, latency, memory. It waits for that worker."""
    profile = profiles.submit(session, principal.tenant_id, model_id, export_id=body.export_id, device=body.device)
    headers = {"Location": f"/v1/profiles/{profile.id}", "Retry-After": "1"}
    answer = once.answer(202, _page(profile), headers=headers)
    session.commit()
    profiles.ring(session, profile)
    return answer


@router.get(
    "/profiles/{profile_id}",
    operation_id="get_profile",
    response_model=Profile,
    responses=documented.problems(*documented.READ) | documented.NOT_MODIFIED,
)
def get_profile(request: Request, principal: Reading, session: Database, profile_id: ProfileId) -> Response:
    profile = owned.find(session, tables.Profile, principal.tenant_id, profile_id)
    headers = {"Retry-After": "1"} if profile.status in profiles.LIVE else {}
    return answers.one(request, _page(profile), headers=headers)


@router.get(
    "/profiles",
    operation_id="list_profiles",
    response_model=Page[Profile],
    responses=documented.problems(*documented.LIST),
)
def list_profiles(
    request: Request,
    principal: Reading,
    session: Database,
    window: InOrder,
    *,
    model: Annotated[str | None, Query(max_length=64, description="Of this model only.")] = None,
) -> Response:
    found = listing.profiles(session, principal.tenant_id, window, model_id=model)
    return paging.page(request, [(profile.id, _page(profile)) for profile in found], window.limit)


@router.get(
    "/devices",
    operation_id="list_devices",
    response_model=Page[Device],
    responses=documented.problems(401, 403, 500, 503),
)
def list_devices(request: Request, principal: Reading, session: Database) -> Response:
    """List devices that were seen within a week: those of the deployment, and those with a key of yours."""
    found = [Device.model_validate(asdict(device)) for device in devices.seen(session, principal.tenant_id)]
    return paging.page(request, [(device.name, device) for device in found], max(1, len(found)))


def _page(row: tables.Profile) -> Profile:
    return Profile(
        id=row.id,
        model_id=row.model_id,
        export_id=row.export_id,
        device=row.device,
        status=row.status,
        measured=row.measured,
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
        links={
            "self": f"/v1/profiles/{row.id}",
            "export": f"/v1/exports/{row.export_id}",
            "model": f"/v1/models/{row.model_id}",
        },
    )
