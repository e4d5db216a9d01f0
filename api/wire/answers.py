"""Successful answers: JSON bytes, entity tags, conditional requests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from fastapi import Request, Response
from pydantic import BaseModel

from core.errors import PreconditionFailed

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def encode(content: BaseModel | Mapping[str, Any] | bytes) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, BaseModel):
        return content.model_dump_json().encode()
    return orjson.dumps(content, option=_OPTIONS)


def json(status: int, body: bytes, *, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, headers=dict(headers or {}), media_type="application/json")


def wants_png(request: Request) -> bool:
    """Whether a picture is what `Accept` names first."""
    first = request.headers.get("accept", "").partition(",")[0].partition(";")[0]
    return first.strip().lower() == "image/png"


def entity_tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def one(
    request: Request,
    content: BaseModel | Mapping[str, Any] | bytes,
    *,
    tag: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One resource: with its ETag, or 304 where the reader has it already."""
    body = encode(content)
    tag = tag or entity_tag(body)
    named = {"ETag": tag, "Cache-Control": "private, no-cache", **(headers or {})}
    if matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=named)
    return json(200, body, headers=named)


def matches(condition: str | None, tag: str) -> bool:
    """Weak comparison (RFC 9110 section 8.8.3.2), as If-None-Match asks for."""
    if condition is None:
        return False
    if condition == tag:
        return True
    return condition.strip() == "*" or any(item.strip().removeprefix("W/") == tag for item in condition.split(","))


def require_match(request: Request, tag: Callable[[], str]) -> None:
    """For PATCH and DELETE; the tag is only worked out where the request asks. Raises PreconditionFailed."""
    condition = request.headers.get("if-match")
    if condition is not None and not matches(condition, tag()):
        raise PreconditionFailed


def nothing() -> Response:
    return Response(status_code=204)
