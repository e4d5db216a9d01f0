"""Who asks: a key in `Authorization: Bearer`, or the session of a browser. Looked up for every request.

All paths need one but those in `OPEN`, and the page itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api import context
from api.identity import browser
from api.live.batching import Batcher
from api.live.connection import Reader
from core.accounts import keys
from core.accounts.keys import Principal
from core.accounts.keys import Scope as KeyScope
from core.errors import Forbidden, TenantSuspended, Unauthorized, Unavailable

OPEN = frozenset({"/healthz", "/readyz", "/version", "/openapi.json", "/docs"})
PAGE = "/ui/"
GUIDE = "/docs/guide/"
TO_PAGE = frozenset({"/", "/ui", "/docs/guide"})  # they redirect to it
LOGIN = "/v1/sessions"  # a login link is what it brings
MAX_KEY_BYTES = 256
_OPERATORS = "The operator creates one with `patchswap tenants operator-key`."


class Authentication:
    """Refuses before routing, so that a route added without a thought is closed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_open(scope):
            principal = await _principal(scope)
            if principal is None:
                raise Unauthorized
            if principal.suspended is not None:
                raise TenantSuspended(
                    f"This tenant is suspended: {principal.suspended.rstrip('.')}. Ask the service's operator."
                )
            context.of(scope).principal = principal
            await scope["app"].state.limiter.admit(principal.tenant_id)
        await self.app(scope, receive, send)


def batcher(reader: Reader, query: str = keys.PRINCIPALS) -> Batcher[bytes, Principal]:
    """One query for all keys that wait; a revoked one fails from the moment its revocation is committed."""

    async def read(digests: Sequence[bytes]) -> Mapping[bytes, Principal]:
        rows = await reader.rows(query, digests=list(digests))
        return {bytes(row["sha256"]): _of_row(row) for row in rows}

    return Batcher(read)


def _of_row(row: Mapping[str, Any]) -> Principal:
    return Principal(row["tenant_id"], row["id"], frozenset(row["scopes"]), row["suspended"])


def require(scope: Scope, needed: KeyScope) -> Principal:
    """The principal of a request. Raises Forbidden where its key lacks the scope; none implies another."""
    found = context.of(scope).principal
    if found is None or needed not in found.scopes:
        remedy = _OPERATORS if needed == "operator" else "Use a key that has it."
        raise Forbidden(f"This key lacks the scope {needed}. {remedy}", needed=needed)
    return found


def requires(needed: KeyScope) -> Callable[..., object]:
    """`require` as a dependency."""

    async def principal(request: Request) -> Principal:
        return require(request.scope, needed)

    return principal


async def _fetching(request: Request) -> Principal:
    found = context.of(request.scope).principal
    return found if found and "device" in found.scopes else require(request.scope, "read")


async def _anybody(request: Request) -> Principal:
    found = context.of(request.scope).principal
    if found is None:
        raise Unauthorized
    return require_person(found)


async def is_still_valid(scope: Scope) -> bool:
    """Asked anew of who holds a connection open. True while the database cannot tell."""
    try:
        return await _principal(scope) is not None
    except Unavailable:
        return True


def require_person(principal: Principal) -> Principal:
    """Raises Forbidden for the key of a device: what is open to keys of any scope is for people and their programs."""
    if principal.scopes == {"device"}:
        raise Forbidden("A key with the scope device can use /v1/device and the download of an alias only.")
    return principal


def _is_open(scope: Scope) -> bool:
    path = scope["path"]
    if path in OPEN or path in TO_PAGE or path.startswith((PAGE, GUIDE)):
        return True
    return path == LOGIN and _authorization(scope) is None


async def _principal(scope: Scope) -> Principal | None:
    """A key, where the request names one, decides alone."""
    header, state = _authorization(scope), scope["app"].state
    by_key: Batcher[bytes, Principal] = state.principals
    by_session: Batcher[bytes, Principal] = state.browser_principals
    if header is not None:
        return await by_key.load(keys.digest(_secret(header)))
    token = browser.token_of(scope)
    found = await by_session.load(keys.digest(token)) if token else None
    if token and found:
        browser.require_own_page(scope, token)
    return found


def _authorization(scope: Scope) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == b"authorization"), None)


def _secret(header: bytes) -> str:
    kind, _, secret = header.partition(b" ")
    if kind.lower() == b"bearer" and 0 < len(secret) <= MAX_KEY_BYTES:
        return str(secret.decode("latin-1"))
    raise Unauthorized


Reading = Annotated[Principal, Depends(requires("read"))]
Writing = Annotated[Principal, Depends(requires("write"))]
Measuring = Annotated[Principal, Depends(requires("device"))]
Fetching = Annotated[Principal, Depends(_fetching)]  # people's programs and devices alike
Administering = Annotated[Principal, Depends(requires("admin"))]
Asking = Annotated[Principal, Depends(_anybody)]  # of whatever scopes
# For routes that only ask whether, not who.
MUST_READ = Depends(requires("read"))
MUST_OPERATE = Depends(requires("operator"))
