"""Figures for Prometheus."""

from __future__ import annotations

import asyncio
import math

import redis
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.identity.authentication import MUST_OPERATE
from api.live.connection import Reader
from api.routes import documented
from api.wire import telemetry
from api.wire.queries import KnownQuery
from core import queue
from core.jobs import views

router = APIRouter(tags=["service"], route_class=KnownQuery)


@router.get(
    "/metrics",
    operation_id="get_service_metrics",
    dependencies=[MUST_OPERATE],
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **documented.problems(401, 403, 429, 500, 503),
    },
)
async def get_service_metrics(request: Request) -> Response:
    """Read metrics for Prometheus: requests of this process, and the queue. Needs the scope operator."""
    probe: Reader = request.app.state.probe
    telemetry.show_ledger(await probe.rows(views.LIVE))
    telemetry.show_broker(await asyncio.to_thread(_depths))
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _depths() -> dict[str, float]:
    """The broker may be away: the ledger's figures are told all the same."""
    try:
        return {name: queue.depth(name) for name in sorted(set(queue.QUEUES.values()))}
    except redis.RedisError:
        return dict.fromkeys(queue.QUEUES.values(), math.nan)
