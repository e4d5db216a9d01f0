"""Query parameters that a path does not know are refused: a misspelt filter would otherwise answer with everything."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from difflib import get_close_matches
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute


class KnownQuery(APIRoute):
    """Every route of ours."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        known = _names(self.dependant)

        async def handle(request: Request) -> Response:
            if request.scope["query_string"]:
                _require_sense(request, known)
            return await handler(request)

        return handle


def _require_sense(request: Request, known: frozenset[str]) -> None:
    """Raises RequestValidationError for names that nobody knows, and for text that Postgres cannot compare with."""
    if unknown := set(request.query_params) - known:
        raise RequestValidationError([_item(name, known) for name in sorted(unknown)[:20]])
    if unstorable := [name for name, value in request.query_params.multi_items() if "\0" in value]:
        item = {"type": "text", "msg": "Must not contain NUL."}
        raise RequestValidationError([item | {"loc": ("query", name)} for name in unstorable[:20]])


def _names(dependant: Dependant) -> frozenset[str]:
    """Of the route itself and of what it depends on."""
    own = frozenset(field.alias for field in dependant.query_params)
    return own.union(*map(_names, dependant.dependencies))


def _item(name: str, known: frozenset[str]) -> dict[str, Any]:
    near = get_close_matches(name, known, n=1)
    remedy = f"Did you mean `{near[0]}`?" if near else f"It knows: {', '.join(sorted(known)) or 'none'}."
    message = f"This path has no such query parameter. {remedy}"
    return {"loc": ("query", name), "type": "unknown_parameter", "msg": message}
