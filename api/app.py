"""The FastAPI application: its layers, its routes, and what lives as long as the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response

from api import authentication, errors, openapi
from api.idempotency import Replay
from api.job_pages import JobPages
from api.limiting import Limiter
from api.middleware import Surroundings
from api.reading import Reader
from api.routes import ROUTERS
from api.tail import Tail


def create_app() -> FastAPI:
    app = FastAPI(
        title="patchswap",
        version=version("patchswap"),
        summary="Labelled images in, a compressed edge model out, by teacher-free self-distillation.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    for router in ROUTERS:
        app.include_router(router)
    errors.install(app)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    app.add_exception_handler(Replay, _replay)
    app.add_middleware(authentication.Authentication)
    app.add_middleware(Surroundings)  # outermost: the last added
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = openapi.describe(app)
    return app.openapi_schema


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    readers = {name: Reader(f"patchswap-api-{name}") for name in ("keys", "jobs", "ticks", "backlog", "probe")}
    app.state.principals = authentication.batcher(readers["keys"])
    app.state.job_pages = JobPages(readers["jobs"])
    app.state.tail = Tail(readers["ticks"], readers["backlog"])
    app.state.probe = readers["probe"]
    app.state.limiter = Limiter()
    yield
    await app.state.limiter.close()
    await app.state.tail.close()
    for reader in readers.values():
        await reader.close()


async def _replay(_: Request, replay: Exception) -> Response:
    if not isinstance(replay, Replay):
        raise replay
    return replay.response
