"""What a browser brings instead of a key: the cookie of a session, and for changes proof that our page sent it."""

from __future__ import annotations

import hmac
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie

from fastapi import Response
from starlette.types import Scope

from core.accounts import sessions
from core.accounts.sessions import Opened
from core.errors import Forbidden

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_HEADER = "x-patchswap-token"  # noqa: S105 - its name
MAX_COOKIE_BYTES = 4096


class CrossSite(Forbidden):
    """A session can change things only from the service's own pages. Other clients must send an API key."""


def token_of(scope: Scope) -> str | None:
    """The session's token; None where the request has no cookie of ours."""
    for name, value in scope["headers"]:
        if name == b"cookie" and len(value) <= MAX_COOKIE_BYTES:
            try:
                found = SimpleCookie(value.decode("latin-1")).get(_name(scope))
            except CookieError:
                continue
            if found is not None and found.value:
                return found.value
    return None


def require_own_page(scope: Scope, token: str) -> None:
    """Raises CrossSite. A page on another port of this host is same-site, so the cookie alone proves nothing."""
    if scope["method"] in SAFE:
        return
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    fetched, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    own = fetched == "same-origin" if fetched is not None else origin == _origin(scope, headers.get(b"host", ""))
    if not own or not hmac.compare_digest(headers.get(TOKEN_HEADER.encode(), ""), page_token(token)):
        raise CrossSite


def page_token(token: str) -> str:
    """What a page sends beside the cookie on unsafe methods. The cookie cannot be read from it."""
    return hmac.new(token.encode(), b"page", sha256).hexdigest()


def remember(response: Response, scope: Scope, opened: Opened) -> None:
    response.set_cookie(
        _name(scope),
        opened.token,
        max_age=int(sessions.LONGEST.total_seconds()),
        path="/",
        secure=scope["scheme"] == "https",
        httponly=True,
        samesite="strict",
    )


def forget(response: Response, scope: Scope) -> None:
    response.delete_cookie(_name(scope), path="/", secure=scope["scheme"] == "https", httponly=True, samesite="strict")


def _name(scope: Scope) -> str:
    """Cookies are shared by all ports of a host: two services on one machine must not end each other's sessions."""
    if scope["scheme"] == "https":
        return "__Host-patchswap"
    server = scope.get("server")
    return f"patchswap-{server[1]}" if server else "patchswap"


def _origin(scope: Scope, host: str) -> str:
    return f"{scope['scheme']}://{host}"
