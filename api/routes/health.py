"""Is the process alive, does it reach its parts, which version is it. No key is needed."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Awaitable
from importlib.metadata import version
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.live.connection import Reader
from api.wire import answers
from api.wire.queries import KnownQuery
from core import queue
from core.errors import DomainError
from core.store import storage

router = APIRouter(tags=["service"], route_class=KnownQuery)

PATIENCE_SECONDS = 4.0


class Health(BaseModel):
    status: Literal["ok"]


class Check(BaseModel):
    status: Literal["up", "down"]
    detail: str | None


class Readiness(BaseModel):
    status: Literal["ready", "not_ready"]
    checks: dict[Literal["database", "broker", "objects"], Check]


class Version(BaseModel):
    service: str
    api: str
    python: str


@router.get("/healthz", operation_id="get_health", response_model=Health)
async def get_health() -> Response:
    """Tell whether the process answers. See /readyz for the parts that it depends on."""
    return Response(b'{"status":"ok"}', media_type="application/json")


@router.get(
    "/readyz",
    operation_id="get_readiness",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "A part is down."}},
)
async def get_readiness(request: Request) -> Response:
    """Check database, broker and object store, one by one."""
    probe: Reader = request.app.state.probe
    database, broker, objects = await asyncio.gather(
        _check(probe.rows("SELECT 1")),
        _check(asyncio.to_thread(lambda: queue.broker().ping())),
        _check(asyncio.to_thread(storage.ping)),
    )
    checks = {"database": database, "broker": broker, "objects": objects}
    ready = all(check.status == "up" for check in checks.values())
    body = Readiness(status="ready" if ready else "not_ready", checks=checks)
    headers = {"Cache-Control": "no-store"} | ({} if ready else {"Retry-After": "2"})
    return answers.json(200 if ready else 503, answers.encode(body), headers=headers)


@router.get("/version", operation_id="get_version", response_model=Version)
async def get_version() -> Response:
    body = Version(service=version("patchswap"), api="v1", python=platform.python_version())
    return answers.json(200, answers.encode(body))


async def _check(probe: Awaitable[Any]) -> Check:
    """Names the kind of the failure only: a message may carry a url with a password."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await probe
    except TimeoutError:
        return Check(status="down", detail=f"no answer within {PATIENCE_SECONDS:g} s")
    except DomainError as error:
        return Check(status="down", detail=error.detail)
    except Exception as error:  # noqa: BLE001 - whatever a driver raises, the part is down
        return Check(status="down", detail=type(error).__name__)
    return Check(status="up", detail=None)
