"""What happened to a job: as a list, as a long poll, as a stream of server-sent events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.identity.authentication import Reading
from api.live.tail import Event, Tail, Watched
from api.routes import documented
from api.schemas import events as schema
from api.schemas import jobs
from api.wire import answers, paging
from api.wire.bodies import JsonRoute
from api.wire.paging import Limit, Page
from api.wire.path_ids import JobId
from core.errors import Invalid

router = APIRouter(prefix="/v1/jobs/{job_id}/events", tags=["events"], route_class=JsonRoute)

HEARTBEAT_SECONDS = 15.0
MAX_WAIT_SECONDS = 60
MAX_SEQ = 2**63 - 1
After = Annotated[int, Query(ge=0, le=MAX_SEQ, description="Only events after this `seq`.")]
Types = Annotated[
    str | None, Query(description="Only these types, separated by commas.", max_length=200, pattern=r"^[a-z_,]*$")
]


@router.get(
    "",
    operation_id="list_job_events",
    response_model=Page[schema.Event],
    responses=documented.problems(*documented.LIST),
)
async def list_job_events(
    request: Request,
    principal: Reading,
    job_id: JobId,
    *,
    after: After = 0,
    limit: Limit = 20,
    types: Types = None,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait for the first event.")] = 0,
) -> Response:
    """List events in order. With `wait`, the answer waits for the next event, unless the job has ended."""
    job = await request.app.state.job_pages.find(principal.tenant_id, job_id)
    tail: Tail = request.app.state.tail
    wanted = _types(types)
    found = await tail.read(job_id, after, limit + 1, wanted)
    if not found and wait and not job.is_over:
        found = await _next(tail, job_id, after, limit=limit, types=wanted, seconds=wait)
    return paging.page(request, [(str(event["seq"]), _public(event)) for event in found], limit)


@router.get(
    "/stream",
    operation_id="stream_job_events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "`id:` is the `seq`, `event:` the type, `data:` the event; a comment every 15 s; "
            "`event: end` when the job is over. Between them `event: progress` without an `id:`, about once a second "
            'while a trainer works: its data has `"live": true`, the `seq` of the event before it, and is not kept.',
            "content": documented.EVENTS,
        },
        **documented.problems(*documented.READ),
    },
)
async def stream_job_events(
    request: Request,
    principal: Reading,
    job_id: JobId,
    after: After = 0,
    last_event_id: Annotated[str | None, Header(description="Goes before `after`.", max_length=64)] = None,
) -> Response:
    """Stream server-sent events from the beginning, or after `Last-Event-ID`."""
    await request.app.state.job_pages.find(principal.tenant_id, job_id)
    begin = after if last_event_id is None else _seq(last_event_id)
    return StreamingResponse(
        _stream(request.app.state.tail, job_id, begin),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _next(
    tail: Tail, job_id: str, after: int, *, limit: int, types: Sequence[str], seconds: float
) -> list[Event]:
    """What comes within so many seconds; nothing where nothing comes, or the job ends without."""
    deadline = time.monotonic() + seconds
    async with tail.watch(job_id) as watched:
        while True:
            moved = watched.moved
            found = await tail.read(job_id, after, limit + 1, types) if watched.seq > after else []
            if found or tail.closing or (watched.is_over and watched.seq >= 0):
                return found
            if not await _moves(moved, deadline - time.monotonic()):
                return []


async def _stream(tail: Tail, job_id: str, after: int) -> AsyncIterator[bytes]:
    yield b": open\n\n"  # headers and first byte at once: a proxy shows a stream, not a hang
    shown: Event | None = None
    async with tail.watch(job_id) as watched:
        while not tail.closing:
            moved = watched.moved
            for event in await tail.newer(job_id, watched, after):
                after = event["seq"]
                yield _message(event)
            if _is_finished(watched, after):
                yield b"event: end\ndata: {}\n\n"
                return
            if watched.progress is not None and watched.progress is not shown and not watched.is_over:
                shown = watched.progress
                yield _progress(shown, after)
            if watched.seq <= after and moved is watched.moved and not await _moves(moved, HEARTBEAT_SECONDS):
                yield b": heartbeat\n\n"


def _is_finished(watched: Watched, after: int) -> bool:
    return watched.is_over and 0 <= watched.seq <= after


async def _moves(moved: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(max(0, seconds)):
            await moved.wait()
    except TimeoutError:
        return False
    return True


def _message(event: Event) -> bytes:
    data = answers.encode(_public(event))
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event["seq"], str(event["type"]).encode(), data)


def _progress(row: Event, seq: int) -> bytes:
    """No `id:`, so that a reader that comes back asks for events alone. Clients of 0.1 leave a known `seq` out."""
    data = jobs.progress(row) | {"status": row["status"], "phase": row["phase"], "queue": {"position": None}}
    event = {"seq": seq, "type": "progress", "at": data["updated_at"], "data": data, "live": True}
    return b"event: progress\ndata: %s\n\n" % answers.encode(event)


def _public(event: Event) -> dict[str, Any]:
    return {name: event[name] for name in ("seq", "type", "at", "data")}


def _types(types: str | None) -> list[str]:
    return [name for name in (types or "").split(",") if name]


def _seq(last_event_id: str) -> int:
    if not last_event_id.isascii() or not last_event_id.isdigit() or int(last_event_id) > MAX_SEQ:
        raise Invalid(
            "`Last-Event-ID` must be a `seq` of this stream. Send the id of the last event that you received.",
            pointer="#header/last-event-id",
        )
    return int(last_event_id)
