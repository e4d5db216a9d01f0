"""Is the process alive, does it reach its parts, which version is it. No key needed."""

from __future__ import annotations

from fastapi import APIRouter, Response

router = APIRouter(tags=["service"])


@router.get("/healthz", operation_id="get_health")
async def get_health() -> Response:
    """The process answers. Says nothing about its parts: see /readyz."""
    return Response(b'{"status":"ok"}', media_type="application/json")
