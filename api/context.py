"""What one request carries through the layers: its id, and who asks."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import Scope

from core.accounts.keys import Principal
from core.request_id import request_id

_KEY = "patchswap.context"
_current: ContextVar[Context | None] = ContextVar("request", default=None)


@dataclass
class Context:
    request_id: str
    method: str
    path: str
    principal: Principal | None = None  # None on the open routes, and until the key was looked up


def attach(scope: Scope, context: Context) -> None:
    scope[_KEY] = context
    _current.set(context)
    request_id.set(context.request_id)


def current() -> Context | None:
    """That of the running task; threads that serve a request inherit it."""
    return _current.get()


def of(scope: Scope) -> Context:
    found: Context = scope[_KEY]
    return found
