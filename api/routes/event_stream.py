"""What happens to all jobs of the caller, in one stream: a page holds one connection, however many jobs it shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from api.identity import authentication
from api.identity.authentication import Reading
from api.live.tenant_tail import News, TenantTail
from api.routes import documented
from api.schemas import jobs, metrics
from api.wire import answers
from api.wire.bodies import JsonRoute

router = APIRouter(prefix="/v1/events", tags=["events"], route_class=JsonRoute)

HEARTBEAT_SECONDS = 15.0
RETRY_MS = 2_000


@router.get(
    "/stream",
    operation_id="stream_events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "`event: ready` first, with the time. Then, each with its `job_id`: the job's events by "
            "their type, with `seq`, as `/v1/jobs/{job_id}/events` has them; `event: progress` about once a second "
            "while a trainer works, as in that job's own stream; `event: metrics` with new points of its curves. "
            "`event: heartbeat` every 15 s. There is no `id:`: a reader that comes back reads anew what it shows. "
            "An event may come twice, with its `seq`.",
            "content": documented.EVENTS,
        },
        **documented.problems(401, 403, 429, 500, 503),
    },
)
async def stream_events(request: Request, principal: Reading) -> Response:
    """Stream what happens to all your jobs from now on, as server-sent events."""
    return StreamingResponse(
        _stream(request, request.app.state.tenant_tail, principal.tenant_id),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(request: Request, tail: TenantTail, tenant_id: str) -> AsyncIterator[bytes]:
    yield b"retry: %d\n\n" % RETRY_MS  # headers and first byte at once: a proxy shows a stream, not a hang
    async with tail.listen(tenant_id) as listener:
        yield _message("ready", {"at": datetime.now(UTC)})
        while not tail.closing and not listener.is_overrun:
            news = await listener.next(HEARTBEAT_SECONDS)
            if news is not None:
                yield _told(news)
            elif not tail.closing:
                if not await authentication.is_still_valid(request.scope):
                    return
                yield _message("heartbeat", {"at": datetime.now(UTC)})


def _told(news: News) -> bytes:
    kind, job_id, row = news
    if isinstance(row, list):
        return _message("metrics", {"job_id": job_id, "points": [metrics.line(one) for one in row]})
    if kind == "progress":
        data = jobs.progress(row) | {"status": row["status"], "phase": row["phase"]}
        told = {"job_id": job_id, "seq": row["latest_event_seq"], "type": "progress", "at": data["updated_at"]}
        return _message("progress", told | {"data": data, "live": True})
    return _message(row["type"], {"job_id": job_id} | {name: row[name] for name in ("seq", "type", "at", "data")})


def _message(name: str, data: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), answers.encode(data))
