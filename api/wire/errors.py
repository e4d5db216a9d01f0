"""Every answer of 400 and above: RFC 9457 problems. Kinds of errors get their statuses here and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
import psycopg
import redis
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Scope

from api import context
from contract.specs import SpecInvalid, violations_in
from contract.specs.wording import message_of
from core import errors
from core.errors import DomainError

logger = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
RETRY_SECONDS = 2


class MalformedBody(DomainError):
    """The body is not JSON."""


class UnknownHost(DomainError):
    """The service does not answer to this `Host`. Use its address, or add the name to PATCHSWAP_ALLOWED_HOSTS."""


class UnsupportedMediaType(DomainError):
    """Send JSON with `Content-Type: application/json`."""


class RangeNotSatisfiable(DomainError):
    """The range lies outside the file. Ask for one range within its size."""


# The first class that fits counts, so children stand before their parents.
STATUSES: tuple[tuple[type[DomainError], int], ...] = (
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.TooLarge, 413),
    (errors.Unauthorized, 401),
    (errors.Forbidden, 403),
    (errors.TooMany, 429),
    (errors.Gone, 410),
    (errors.PreconditionFailed, 412),
    (MalformedBody, 400),
    (UnknownHost, 400),
    (UnsupportedMediaType, 415),
    (RangeNotSatisfiable, 416),
    (errors.Invalid, 422),
    (errors.Unavailable, 503),
)
RETRYABLE: tuple[type[DomainError], ...] = (
    errors.Unavailable,
    errors.IdempotencyInFlight,
    errors.DatasetNotReady,
    errors.RateLimited,
)


_SENTENCES = {  # of what Starlette says
    "Not Found": "There is no such path. `/docs` lists all paths.",
    "Method Not Allowed": "This path does not take this method. The header `Allow` names those it takes.",
}


@dataclass(frozen=True)
class Problem:
    status: int
    code: str
    detail: str
    retryable: bool = False
    errors: Sequence[Mapping[str, str]] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, scope: Scope) -> Response:
        title = HTTPStatus(self.status).phrase
        content = {
            "type": f"urn:patchswap:problem:{self.code}",
            "title": title,
            "status": self.status,
            "detail": self.detail,
            "instance": scope["path"],
            "code": self.code,
            "request_id": context.of(scope).request_id,
            "retryable": self.retryable,
            "errors": list(self.errors),
            **self.extra,
        }
        body = orjson.dumps(content, default=str)
        return Response(body, self.status, headers=dict(self.headers), media_type=PROBLEM)


def install(app: FastAPI) -> None:
    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            error.headers = {"Allow": _methods(app, request.url.path)}
        return problem_of(error).response(request.scope)

    for kind in (DomainError, SpecInvalid, RequestValidationError, HTTPException, DBAPIError, PoolTimeout):
        app.add_exception_handler(kind, answer)


def problem_of(error: Exception) -> Problem:
    """The problem for any exception; what nobody expected is logged with its trace and told without."""
    if isinstance(error, DomainError):
        return _of_domain(error)
    if isinstance(error, SpecInvalid):
        found = [violation.model_dump() for violation in error.violations]
        return _invalid(found)
    if isinstance(error, RequestValidationError):
        return _invalid(_violations(error))
    if isinstance(error, HTTPException):
        return _of_http(error)
    if _is_away(error):
        logger.warning("database away: %s", type(error).__name__)
        return _of_domain(errors.Unavailable("The database does not answer. Try again in a few seconds."))
    logger.error("unexpected error", exc_info=error)
    return Problem(
        500, "internal", "The service failed unexpectedly. Give its operator the request_id: the log has the cause."
    )


def _of_domain(error: DomainError) -> Problem:
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    headers = {}
    if isinstance(error, RETRYABLE):
        headers["Retry-After"] = "1" if isinstance(error, errors.IdempotencyInFlight) else str(RETRY_SECONDS)
    if isinstance(error, errors.TooMany):
        headers["Retry-After"] = str(error.retry_seconds)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    headers |= error.extra.pop("headers", {})
    found = error.extra.pop("errors", ())
    if isinstance(error, errors.Invalid) and error.pointer:
        found = [{"pointer": error.pointer, "code": error.code, "message": error.detail}]
    return Problem(
        status=status,
        code=error.code,
        detail=error.detail,
        retryable="Retry-After" in headers,
        errors=found,
        extra=error.extra,
        headers=headers,
    )


def _of_http(error: HTTPException) -> Problem:
    """FastAPI's and Starlette's own: no route, wrong method, unreadable body."""
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_").replace("'", "")
    detail = _SENTENCES.get(str(error.detail), str(error.detail))
    return Problem(error.status_code, code, detail, headers=dict(error.headers or {}))


def _invalid(found: list[dict[str, str]]) -> Problem:
    detail = "; ".join(f"{item['pointer'] or 'body'}: {item['message']}" for item in found[:5])
    return Problem(422, "invalid", detail, errors=found)


def _violations(error: RequestValidationError) -> list[dict[str, str]]:
    """JSON pointers into the body; for what stands elsewhere, a fragment that names the place."""
    in_body, elsewhere = [], []
    for item in error.errors():
        place, *path = item["loc"]
        if place == "body":
            in_body.append({**item, "loc": tuple(path)})
        else:
            pointer = "".join(f"/{part}" for part in path)
            elsewhere.append({"pointer": f"#{place}{pointer}", "code": item["type"], "message": message_of(item)})
    return [*elsewhere, *(violation.model_dump() for violation in violations_in(in_body, error.body))]


def _methods(app: FastAPI, path: str) -> str:
    """All that the path knows: FastAPI itself names those of the first route that fits.

    A path that stands in the document as it is, /v1/jobs/validate, is none of a template's, /v1/jobs/{job_id}.
    """
    templates = app.openapi()["paths"]
    fitting = [path] if path in templates else [each for each in templates if compile_path(each)[0].match(path)]
    return ", ".join(sorted({name.upper() for each in fitting for name in templates[each]}))


def _is_away(error: Exception) -> bool:
    if isinstance(error, PoolTimeout | psycopg.OperationalError | redis.ConnectionError):
        return True
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated or isinstance(error.orig, psycopg.OperationalError)
    )
