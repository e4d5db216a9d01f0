"""Sessions of a browser: begun with a key or a login link, ended by a person, by time, or with the key."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api import context
from api.identity import browser
from api.identity.authentication import Asking, require_person
from api.routes import documented
from api.schemas.sessions import LoginLink, Me, NewSession, Quota, Quotas, Session
from api.wire import answers
from api.wire.bodies import JsonRoute
from api.writes.transactions import Database
from core import tables
from core.accounts import keys, quotas, sessions
from core.database import owned
from core.errors import Unauthorized
from core.settings import settings

router = APIRouter(prefix="/v1", tags=["sessions"], route_class=JsonRoute)


@router.post(
    "/sessions",
    status_code=201,
    operation_id="create_session",
    response_model=Session,
    responses=documented.problems(*documented.WRITE),
)
def create_session(request: Request, session: Database, body: NewSession) -> Response:
    """Log a browser in: by a key as Bearer, or by the secret of a login link. The answer sets the session's cookie."""
    asking = context.of(request.scope)
    if body.link is not None:
        key_id = sessions.follow(session, body.link)
    elif asking.principal is not None:
        key_id = require_person(asking.principal).key_id
    else:
        raise Unauthorized
    opened = sessions.open_for(session, key_id)
    asking.principal = keys.principal_of(opened.key)  # a link brings none: the audit names the key
    session.commit()
    told = Session(page_token=browser.page_token(opened.token), ends_at=opened.ends_at)
    answer = answers.json(201, answers.encode(told), headers={"Cache-Control": "no-store"})
    browser.remember(answer, request.scope, opened)
    return answer


@router.delete(
    "/sessions/current",
    status_code=204,
    response_class=Response,
    operation_id="end_session",
    responses=documented.problems(*documented.REMOVE),
)
def end_session(request: Request, principal: Asking, session: Database) -> Response:  # noqa: ARG001 - must be somebody
    """Log this browser out. Without a session it is no error."""
    token = browser.token_of(request.scope)
    if token is not None:
        sessions.end(session, token)
        session.commit()
    answer = answers.nothing()
    browser.forget(answer, request.scope)
    return answer


@router.post(
    "/sessions/links",
    status_code=201,
    operation_id="create_login_link",
    response_model=LoginLink,
    responses=documented.problems(*documented.WRITE),
)
def create_login_link(principal: Asking, session: Database) -> Response:
    """Create a secret that logs one browser in within a minute, with the scopes of this key."""
    secret, ends_at = sessions.make_link(session, principal.key_id)
    session.commit()
    told = LoginLink(secret=secret, ends_at=ends_at)
    return answers.json(201, answers.encode(told), headers={"Cache-Control": "no-store"})


@router.get("/me", operation_id="get_me", response_model=Me, responses=documented.problems(*documented.READ))
def get_me(request: Request, principal: Asking, session: Database) -> Response:
    """Show the key that asks, its scopes, and how much of its quotas the tenant uses."""
    key = owned.find(session, tables.ApiKey, principal.tenant_id, principal.key_id)
    found = Me(
        tenant_id=principal.tenant_id,
        tenant_name=keys.tenant_name(session, principal.tenant_id),
        key_id=key.id,
        key_name=key.name,
        scopes=sorted(principal.scopes),
        session=_session(request, session),
        quotas=_quotas(session, principal.tenant_id),
    )
    return answers.json(200, answers.encode(found), headers={"Cache-Control": "no-store"})


def _session(request: Request, session: Database) -> Session | None:
    token = browser.token_of(request.scope)
    ends_at = sessions.ends_at(session, token) if token else None
    if token is None or ends_at is None:
        return None
    return Session(page_token=browser.page_token(token), ends_at=ends_at)


def _quotas(session: Database, tenant_id: str) -> Quotas:
    limits = settings()
    queued = quotas.jobs(session, tenant_id, "queued", at_most=limits.quota_queued_jobs)
    running = quotas.jobs(session, tenant_id, "running", at_most=limits.quota_running_jobs)
    return Quotas(
        bytes=Quota(used=quotas.stored_bytes(session, tenant_id), limit=limits.quota_bytes),
        images=Quota(used=quotas.images(session, tenant_id), limit=limits.quota_images),
        queued_jobs=Quota(used=queued, limit=limits.quota_queued_jobs),
        running_jobs=Quota(used=running, limit=limits.quota_running_jobs),
    )
