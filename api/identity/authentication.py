"""Who asks: a key in `Authorization: Bearer`, looked up for every request. All paths need one but those in `OPEN`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api import context
from api.live.batching import Batcher
from api.live.connection import Reader
from core.accounts import keys
from core.accounts.keys import Principal
from core.accounts.keys import Scope as KeyScope
from core.errors import Forbidden, Unauthorized

OPEN = frozenset({"/healthz", "/readyz", "/version", "/openapi.json", "/docs"})
MAX_KEY_BYTES = 256


class Authentication:
    """Refuses before routing, so that a route added without a thought is closed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN:
            principals: Batcher[bytes, Principal] = scope["app"].state.principals
            principal = await principals.load(keys.digest(_secret(scope)))
            if principal is None:
                raise Unauthorized
            context.of(scope).principal = principal
            await scope["app"].state.limiter.admit(principal.tenant_id)
        await self.app(scope, receive, send)


def batcher(reader: Reader) -> Batcher[bytes, Principal]:
    """One query for all keys that wait; a revoked one fails from the moment its revocation is committed."""

    async def read(digests: Sequence[bytes]) -> Mapping[bytes, Principal]:
        rows = await reader.rows(keys.PRINCIPALS, digests=list(digests))
        return {bytes(row["sha256"]): Principal(row["tenant_id"], row["id"], frozenset(row["scopes"])) for row in rows}

    return Batcher(read)


def require(scope: Scope, needed: KeyScope) -> Principal:
    """The principal of a request. Raises Forbidden where its key lacks the scope; none implies another."""
    found = context.of(scope).principal
    if found is None or needed not in found.scopes:
        raise Forbidden(f"this key lacks the scope {needed}", needed=needed)
    return found


def requires(needed: KeyScope) -> Callable[..., object]:
    """`require` as a dependency."""

    async def principal(request: Request) -> Principal:
        return require(request.scope, needed)

    return principal


def _secret(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, secret = value.partition(b" ")
            if kind.lower() == b"bearer" and 0 < len(secret) <= MAX_KEY_BYTES:
                return str(secret.decode("latin-1"))
    raise Unauthorized


Reading = Annotated[Principal, Depends(requires("read"))]
Writing = Annotated[Principal, Depends(requires("write"))]
Administering = Annotated[Principal, Depends(requires("admin"))]
# For routes that only ask whether, not who.
MUST_READ = Depends(requires("read"))
MUST_ADMINISTER = Depends(requires("admin"))
