"""The FastAPI application: its layers, its routes, and what lives as long as the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response

from api import authentication, errors
from api.idempotency import Replay
from api.job_pages import JobPages
from api.middleware import Surroundings
from api.reading import Reader
from api.routes import ROUTERS

VERSION = "0.1.0"


def create_app() -> FastAPI:
    app = FastAPI(
        title="patchswap",
        version=VERSION,
        summary="Labelled images in, a compressed edge model out, by teacher-free self-distillation.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    for router in ROUTERS:
        app.include_router(router)
    errors.install(app)
    app.add_exception_handler(Replay, _replay)
    app.add_middleware(authentication.Authentication)
    app.add_middleware(Surroundings)  # outermost: the last added
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    readers = [Reader(f"patchswap-api-{name}") for name in ("keys", "jobs")]
    app.state.principals = authentication.batcher(readers[0])
    app.state.job_pages = JobPages(readers[1])
    yield
    for reader in readers:
        await reader.close()


async def _replay(_: Request, replay: Exception) -> Response:
    if not isinstance(replay, Replay):
        raise replay
    return replay.response
