"""What happens to all jobs of a tenant, as it happens: one reader for all who listen, whatever their tenant.

Nothing is kept for who was away: a listener begins with now. A queue that is full ends its listener, who comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from api.live.connection import Reader
from core.errors import Unavailable
from core.jobs import following
from core.tables.states import TERMINAL

TICK_SECONDS = 0.5
MOST_WAITING = 2_000

Row = Mapping[str, Any]
News = tuple[Literal["event", "progress", "metrics"], str, Row | list[Row]]  # kind, job, row or points


@dataclass
class _Job:
    tenant_id: str
    seq: int
    progressed_at: str | None
    pointed_at: datetime  # no point that is older is news


@dataclass(eq=False)
class Listener:
    """Of one connection."""

    tenant_id: str
    queue: asyncio.Queue[News | None] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    is_overrun: bool = False  # slower than what happens: its stream ends, and its reader comes back

    async def next(self, seconds: float) -> News | None:
        """None where nothing came in this time, or the process ends."""
        try:
            async with asyncio.timeout(seconds):
                return await self.queue.get()
        except TimeoutError:
            return None

    def wake(self) -> None:
        with suppress(asyncio.QueueFull):  # then it is awake
            self.queue.put_nowait(None)

    def hear(self, news: News) -> None:
        try:
            self.queue.put_nowait(news)
        except asyncio.QueueFull:
            self.is_overrun = True


class TenantTail:
    """The events, progress and points of all jobs whose tenants are listened to."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._listeners: set[Listener] = set()
        self._jobs: dict[str, _Job] = {}
        self._tenants: set[str] = set()  # whose jobs are known
        self._task: asyncio.Task[None] | None = None
        self._ticked = asyncio.Event()
        self.closing = False  # set from a signal handler; seen at the next tick

    async def close(self) -> None:
        self.closing = True
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @asynccontextmanager
    async def listen(self, tenant_id: str) -> AsyncIterator[Listener]:
        """What happens from now on: when this is entered, the tenant's jobs are known."""
        listener = Listener(tenant_id)
        self._listeners.add(listener)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            while tenant_id not in self._tenants and not self.closing:
                await self._ticked.wait()
            yield listener
        finally:
            self._listeners.discard(listener)

    async def _run(self) -> None:
        while self._listeners and not self.closing:
            with suppress(Unavailable):  # connections stay; what was missed comes with the next tick
                await self._tick()
            self._tick_over()
            await asyncio.sleep(TICK_SECONDS)
        self._tick_over()
        self._tenants, self._jobs = set(), {}
        for listener in self._listeners:
            listener.wake()

    def _tick_over(self) -> None:
        self._ticked.set()
        self._ticked = asyncio.Event()

    async def _tick(self) -> None:
        listened = {listener.tenant_id for listener in self._listeners}
        self._jobs = {job_id: job for job_id, job in self._jobs.items() if job.tenant_id in listened}
        rows = await self._reader.rows(following.LIVE, tenants=sorted(listened))
        ended = self._jobs.keys() - {row["id"] for row in rows}
        if ended:
            rows += await self._reader.rows(following.ENDED, ids=sorted(ended))
        moved = [row for row in rows if self._has_moved(row)]
        if moved:
            await self._tell(moved)
        for row in rows:
            self._note(row)
        for job_id in ended:  # told of above, or deleted
            if job_id not in {row["id"] for row in rows if row["status"] not in TERMINAL}:
                self._jobs.pop(job_id, None)
        self._tenants = listened

    def _has_moved(self, row: Row) -> bool:
        """At the first sight of a tenant no job did; after it, one that was not seen before did."""
        known = self._jobs.get(row["id"])
        if known is None:
            return row["tenant_id"] in self._tenants
        return bool((known.seq, known.progressed_at) != (row["seq"], row["progressed_at"]))

    async def _tell(self, moved: Sequence[Row]) -> None:
        tenants = {row["id"]: row["tenant_id"] for row in moved}
        known = {row["id"]: self._jobs.get(row["id"]) for row in moved}
        after = [job.seq if (job := known[row["id"]]) else 0 for row in moved]
        for event in await self._reader.rows(following.NEW_EVENTS, ids=list(tenants), after=after):
            self._hear(tenants[event["job_id"]], ("event", event["job_id"], event))
        progressed = [row for row in moved if row["progressed_at"] != getattr(known[row["id"]], "progressed_at", None)]
        if not progressed:
            return
        ids = [row["id"] for row in progressed]
        since = [job.pointed_at if (job := known[row["id"]]) else row["now"] for row in progressed]
        points: dict[str, list[Row]] = {}
        for point in await self._reader.rows(following.NEW_POINTS, ids=ids, after=since):
            points.setdefault(point["job_id"], []).append(point)
        for job_id, of_job in points.items():
            self._hear(tenants[job_id], ("metrics", job_id, of_job))
        for row in await self._reader.rows(following.PROGRESS, ids=ids):
            self._hear(tenants[row["id"]], ("progress", row["id"], row))
        self._note_points(points)

    def _note_points(self, points: Mapping[str, list[Row]]) -> None:
        for job_id, of_job in points.items():
            if job := self._jobs.get(job_id):
                job.pointed_at = max(point["at"] for point in of_job)

    def _note(self, row: Row) -> None:
        known = self._jobs.get(row["id"])
        if known is None:
            self._jobs[row["id"]] = _Job(row["tenant_id"], row["seq"], row["progressed_at"], row["now"])
        else:
            known.seq, known.progressed_at = row["seq"], row["progressed_at"]

    def _hear(self, tenant_id: str, news: News) -> None:
        for listener in self._of(tenant_id):
            listener.hear(news)

    def _of(self, tenant_id: str) -> Iterable[Listener]:
        return (listener for listener in self._listeners if listener.tenant_id == tenant_id)
