"""What the OpenAPI document says of every route: its problems, and the answers that are no bodies."""

from __future__ import annotations

from typing import Any

from api.schemas.problem import ProblemDetails
from api.wire.errors import PROBLEM

_SENTENCES = {
    400: "The request cannot be read.",
    401: "No valid key.",
    403: "The key lacks the scope that this needs.",
    404: "There is nothing by this id for this tenant.",
    409: "The state does not allow this.",
    410: "The upload has expired.",
    412: "The resource changed since it was read.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    416: "The range lies outside the file.",
    422: "Some values are not acceptable; `errors` says which.",
    429: "A limit or quota of the tenant is reached; `Retry-After` and `detail` say what to do.",
    500: "An internal error.",
    503: "A part of the service is away; try again.",
}
_ALWAYS = (401, 403, 422, 429, 500, 503)
READ = (*_ALWAYS, 404)
LIST = (*_ALWAYS, 404)
WRITE = (*_ALWAYS, 400, 404, 409, 413, 415)
REMOVE = (*_ALWAYS, 404, 409, 412)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route."""
    return {
        status: {
            "description": _SENTENCES[status],
            "content": {PROBLEM: {"schema": {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}}},
        }
        for status in sorted(set(statuses))
    }


EVENTS: dict[str, Any] = {"text/event-stream": {"schema": {}}}  # OpenAPI 3.1 cannot describe a single event
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The resource has not changed since the ETag that was sent."}
}
FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            name: {"schema": {"type": "string", "format": "binary"}}
            for name in ("application/zip", "application/octet-stream")
        }
    },
    206: {"description": "The range that was asked for."},
    302: {"description": "To a presigned URL of the object store; send no key there."},
}
