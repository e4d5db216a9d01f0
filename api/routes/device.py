"""What a device needs to measure files, over HTTP and with a key of the scope `device`: claim, fetch, renew, report.

Beats and renewals change nothing that a customer sees, so they leave no entry in the audit log.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.identity.authentication import Measuring
from api.routes import documented
from api.schemas.device import Bundle, ClaimRequest, DeviceClaim, Fence, Held, Lease, Release, Report, Settled
from api.wire import answers, downloads
from api.wire.bodies import JsonRoute
from api.wire.path_ids import ProfileId
from api.writes.idempotency import OneTime
from api.writes.transactions import Database
from core import tables
from core.database.database import transaction
from core.errors import NotFound
from core.exports import device_claims, devices
from core.settings import settings

router = APIRouter(prefix="/v1/device", tags=["device"], route_class=JsonRoute)
POLL_SECONDS = 5
_NOTHING: dict[int | str, dict[str, str]] = {204: {"description": "Nothing waits. Ask again after `Retry-After`."}}


@router.post(
    "/claims",
    operation_id="claim_profile",
    response_model=DeviceClaim,
    responses=_NOTHING | documented.problems(*documented.WRITE),
)
def claim_profile(principal: Measuring, once: OneTime, session: Database, body: ClaimRequest) -> Response:
    """Claim the profile that waits longest for this device. One lease: renew it, or another device gets the work."""
    answer = Response(status_code=204, headers={"Retry-After": str(POLL_SECONDS)})
    profile = device_claims.claim(session, principal, device=body.device, host=body.host)
    if profile is not None:
        answer = once.answer(200, _claim(profile, session.get_one(tables.Export, profile.export_id)))
    session.commit()
    with transaction() as beat:
        devices.beat_of_tenant(beat, principal.tenant_id, body.device, body.host)
    return answer


@router.patch(
    "/profiles/{profile_id}/lease",
    operation_id="renew_profile_claim",
    response_model=Lease,
    responses=documented.problems(*documented.WRITE),
)
def renew_profile_claim(principal: Measuring, profile_id: ProfileId, body: Held) -> Response:
    """Renew the lease. 409 `claim_lost`: drop the work."""
    with transaction() as session:
        device_claims.renew(session, principal, profile_id, body.fence)
    return answers.json(200, answers.encode(Lease(lease_seconds=settings().lease_seconds)))


@router.get(
    "/profiles/{profile_id}/bundle",
    operation_id="download_claimed_bundle",
    response_class=Response,
    responses=documented.FILE | documented.problems(*documented.READ, 409, 416) | documented.NOT_MODIFIED,
)
def download_claimed_bundle(
    request: Request, principal: Measuring, session: Database, profile_id: ProfileId, fence: Annotated[Fence, Query()]
) -> Response:
    """Download the bundle to measure. The API streams it; a device need not reach the object store."""
    profile = device_claims.held(session, principal, profile_id, fence)
    export = session.get_one(tables.Export, profile.export_id)
    if export.object_key is None or export.bytes is None or export.sha256 is None:
        raise NotFound
    file = downloads.File(export.object_key, export.bytes, export.sha256, f"{export.id}.zip", "application/zip")
    return downloads.streamed(request, file)


@router.post(
    "/profiles/{profile_id}/report",
    operation_id="report_profile",
    response_model=Settled,
    responses=documented.problems(*documented.WRITE),
)
def report_profile(
    principal: Measuring, once: OneTime, session: Database, profile_id: ProfileId, body: Report
) -> Response:
    """Report what was measured, or why the file cannot run. Reporting the same again is harmless."""
    if body.measured is not None:
        figures = body.measured.flat()
        profile = device_claims.report(session, principal, profile_id, body.fence, figures)
    else:
        assert body.error is not None  # noqa: S101 - the schema has one of both
        profile = device_claims.fail(session, principal, profile_id, body.fence, **body.error.model_dump())
    return _settled(profile, once, session)


@router.post(
    "/profiles/{profile_id}/release",
    operation_id="release_profile_claim",
    response_model=Settled,
    responses=documented.problems(*documented.WRITE),
)
def release_profile_claim(
    principal: Measuring, once: OneTime, session: Database, profile_id: ProfileId, body: Release
) -> Response:
    """Give a claim back, so that a device claims the profile again. The third counted one ends it."""
    profile = device_claims.give_back(session, principal, profile_id, body.fence, counted=body.counted)
    return _settled(profile, once, session)


def _settled(profile: tables.Profile, once: OneTime, session: Database) -> Response:
    """Commits."""
    answer = once.answer(200, Settled.model_validate({"profile_id": profile.id, "status": profile.status}))
    session.commit()
    return answer


def _claim(profile: tables.Profile, export: tables.Export) -> DeviceClaim:
    path = f"/v1/device/profiles/{profile.id}"
    verbs = ("lease", "report", "release")
    return DeviceClaim(
        profile_id=profile.id,
        export_id=export.id,
        fence=profile.fence,
        lease_seconds=settings().lease_seconds,
        heartbeat_seconds=settings().heartbeat_seconds,
        bundle=Bundle.model_validate(export, from_attributes=True),
        links={verb: f"{path}/{verb}" for verb in verbs} | {"bundle": f"{path}/bundle?fence={profile.fence}"},
    )
