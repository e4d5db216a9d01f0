"""The OpenAPI document and the page made of it. No key is needed: they say nothing of any tenant.

Made once, in a thread: that takes a second, in which the event loop answers others.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request, Response

from api.document import page
from api.wire import answers
from api.wire.queries import KnownQuery

router = APIRouter(include_in_schema=False, route_class=KnownQuery)
_CACHED = {"Cache-Control": "public, no-cache"}


@router.get("/openapi.json")
def get_document(request: Request) -> Response:
    return answers.one(request, _document(request.app), headers=_CACHED)


@router.get("/docs")
def get_reference(request: Request) -> Response:
    body = _page(request.app)
    headers = {**_CACHED, "ETag": answers.entity_tag(body), "Content-Security-Policy": page.POLICY}
    if answers.matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="text/html")


@lru_cache(maxsize=1)
def _document(app: FastAPI) -> bytes:
    return orjson.dumps(_described(app))


@lru_cache(maxsize=1)
def _page(app: FastAPI) -> bytes:
    return page.render(_described(app)).encode()


def _described(app: FastAPI) -> dict[str, Any]:
    return app.openapi()
