"""JSON bodies, read once and checked before FastAPI sees them: size, media type, and what Postgres cannot store."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError

from api.wire.errors import MalformedBody, UnsupportedMediaType
from api.wire.queries import KnownQuery
from core.errors import TooLarge

MAX_BODY_BYTES = 2**20
MAX_DEPTH = 64
MAX_INTEGER = 2**63 - 1  # a larger one cannot be written into an answer


class JsonRequest(Request):
    """A request whose JSON body was read, limited and checked."""

    raw: bytes = b""
    parsed: Any = None

    async def load(self) -> None:
        self.raw = await _read(self)
        if not self.raw:
            return
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise UnsupportedMediaType
        try:
            self.parsed = json.loads(self.raw)
        except (ValueError, RecursionError) as error:
            raise MalformedBody(f"The body is not JSON: {error}.") from error
        found = _unstorable(self.parsed)
        if found:
            raise RequestValidationError(found, body=self.parsed)

    async def body(self) -> bytes:
        return self.raw

    async def json(self) -> Any:
        return self.parsed


class JsonRoute(KnownQuery):
    """Every route with a JSON body or none: the body is loaded for the methods that may bring one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        methods = self.methods or set()
        # A PUT without a body that FastAPI reads takes bytes, as a part of an upload does.
        if not (methods & {"POST", "PATCH"} or ("PUT" in methods and self.body_field is not None)):
            return handler

        async def handle(request: Request) -> Response:
            loaded = JsonRequest(request.scope, request.receive)
            await loaded.load()
            return await handler(loaded)

        return handle


async def _read(request: Request) -> bytes:
    """Not `Request.body`: that reads whatever comes."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > MAX_BODY_BYTES:
        raise TooLarge(f"A JSON body may have at most {MAX_BODY_BYTES:,} bytes.")  # before any of it was read
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"A JSON body may have at most {MAX_BODY_BYTES:,} bytes.")
    return bytes(body)


def _unstorable(parsed: Any) -> list[dict[str, Any]]:
    """Text that Postgres or UTF-8 cannot hold, numbers of more than 64 bits, nesting without sense.

    Walks without recursion.
    """
    found: list[dict[str, Any]] = []
    todo: list[tuple[tuple[str | int, ...], Any]] = [((), parsed)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, str) and not _is_text(value):
            found.append(_item(path, "text", "Must not contain NUL or half of a surrogate pair"))
        elif isinstance(value, int) and abs(value) > MAX_INTEGER:
            found.append(_item(path, "too_large", f"Must be a whole number from -{MAX_INTEGER} to {MAX_INTEGER}"))
        elif isinstance(value, dict | list) and len(path) >= MAX_DEPTH:
            found.append(_item(path[:8], "too_deep", f"Must not be nested more than {MAX_DEPTH} deep"))
        elif isinstance(value, dict):
            if not all(_is_text(key) for key in value):
                found.append(_item(path, "text", "Must not have a name with NUL or half of a surrogate pair"))
                continue
            todo += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            todo += [((*path, index), item) for index, item in enumerate(value)]
    return found[:20]


def _is_text(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _item(path: tuple[str | int, ...], kind: str, message: str) -> dict[str, Any]:
    return {"loc": ("body", *path), "type": kind, "msg": message}
