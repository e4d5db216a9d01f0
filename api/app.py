"""The FastAPI application: its layers, its routes, and what lives as long as the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response

from api import browser_runtime, console, digits, guide
from api.description import describe
from api.identity import authentication
from api.live.connection import Reader
from api.live.job_pages import JobPages
from api.live.tail import Tail
from api.live.tenant_tail import TenantTail
from api.routes import ROUTERS
from api.wire import errors
from api.wire.limiting import Limiter
from api.wire.middleware import Surroundings
from api.writes.idempotency import Replay
from core.accounts import sessions

# A connection each, so that none waits.
READERS = ("keys", "sessions", "jobs", "exports", "ticks", "backlog", "tenants", "probe")


def create_app() -> FastAPI:
    app = FastAPI(
        title="patchswap",
        version=version("patchswap"),
        summary="Labelled images in, a compressed edge model out, by teacher-free self-distillation.",
        openapi_url=None,  # routes/reference.py serves it, without a key
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    for router in (*ROUTERS, browser_runtime.router, digits.router, console.router, guide.router):
        app.include_router(router)
    errors.install(app)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign] # as FastAPI asks for it
    app.add_exception_handler(Replay, _replay)
    app.add_middleware(authentication.Authentication)
    app.add_middleware(Surroundings)  # outermost: the last added
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = describe(app)
    return app.openapi_schema


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    readers = {name: Reader(f"patchswap-api-{name}") for name in READERS}
    app.state.principals = authentication.batcher(readers["keys"])
    app.state.browser_principals = authentication.batcher(readers["sessions"], sessions.PRINCIPALS)
    app.state.job_pages = JobPages(readers["jobs"])
    app.state.tail = Tail(readers["ticks"], readers["backlog"])
    app.state.tenant_tail = TenantTail(readers["tenants"])
    app.state.exports = readers["exports"]
    app.state.probe = readers["probe"]
    app.state.limiter = Limiter()
    yield
    await app.state.limiter.close()
    await app.state.tail.close()
    await app.state.tenant_tail.close()
    for reader in readers.values():
        await reader.close()


async def _replay(_: Request, replay: Exception) -> Response:
    if not isinstance(replay, Replay):
        raise replay
    return replay.response
