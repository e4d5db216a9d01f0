"""One reader of new events for all who wait: the load on Postgres does not grow with the watchers.

Each watched job costs its share of one query a tick. Its new events are read once and kept for a while; a watcher that
begins before, or fell behind, is brought up by a read of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from api.live.connection import Reader
from core.errors import Unavailable
from core.jobs import views
from core.tables.states import TERMINAL

TICK_SECONDS = 0.25
KEPT_EVENTS = 200
READ_AT_ONCE = 200

Event = Mapping[str, Any]  # seq, type, at, data


@dataclass
class Watched:
    """One job that somebody waits for."""

    seq: int = -1  # of the newest event; -1 until the first tick
    is_over: bool = False
    watchers: int = 0
    progressed_at: str | None = None  # what the trainer said last
    progress: Event | None = None  # a row of `core.jobs.views.PROGRESS`; None until something is said while watched
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self.moved.set()
        self.moved = asyncio.Event()


_NOBODY = Watched()


class Tail:
    """The events of watched jobs as they come."""

    def __init__(self, ticks: Reader, backlog: Reader) -> None:
        self._ticks = ticks
        self._backlog = backlog
        self._jobs: dict[str, Watched] = {}
        self._task: asyncio.Task[None] | None = None
        self.closing = False  # set from a signal handler; seen at the next tick

    async def close(self) -> None:
        self.closing = True
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @asynccontextmanager
    async def watch(self, job_id: str) -> AsyncIterator[Watched]:
        """The job is looked at with every tick while this is open."""
        watched = self._jobs.setdefault(job_id, Watched())
        watched.watchers += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            yield watched
        finally:
            watched.watchers -= 1
            if not watched.watchers:
                self._jobs.pop(job_id, None)

    async def read(self, job_id: str, after: int, limit: int, types: Sequence[str] = ()) -> list[Event]:
        """Events that are there now."""
        if types:
            rows = await self._backlog.rows(
                views.EVENTS_OF_TYPES, id=job_id, after=after, limit=limit, types=list(types)
            )
        else:
            rows = await self._backlog.rows(views.EVENTS, id=job_id, after=after, limit=limit)
        return list(rows)

    async def newer(self, job_id: str, watched: Watched, after: int) -> list[Event]:
        """Events beyond `after`: from those kept, or read where they reach further back."""
        kept = watched.events
        if 0 <= watched.seq <= after:
            return []
        if kept and kept[0]["seq"] <= after + 1:
            return [event for event in kept if event["seq"] > after]
        return await self.read(job_id, after, READ_AT_ONCE)

    async def _run(self) -> None:
        while self._jobs and not self.closing:
            with suppress(Unavailable):  # the watchers' connections stay; what they missed comes with the next tick
                await self._tick()
            await asyncio.sleep(TICK_SECONDS)
        for watched in self._jobs.values():
            watched.wake()

    async def _tick(self) -> None:
        asked = list(self._jobs)
        rows = {row["id"]: row for row in await self._ticks.rows(views.SEQUENCES, ids=asked)}
        await self._fetch({job_id: row["seq"] for job_id, row in rows.items()})
        await self._fetch_progress({job_id: row["progressed_at"] for job_id, row in rows.items()})
        for job_id in asked:
            watched = self._jobs.get(job_id)
            if watched is not None:
                _move(watched, rows.get(job_id))

    async def _fetch(self, newest: Mapping[str, int]) -> None:
        """The new events of jobs that moved; what came before a job's first tick is not ours to read."""
        behind = {
            job_id: watched.seq for job_id, watched in self._jobs.items() if 0 <= watched.seq < newest.get(job_id, -1)
        }
        if not behind:
            return
        found = await self._ticks.rows(views.NEW_EVENTS, ids=list(behind), after=list(behind.values()))
        for event in found:
            watched = self._jobs.get(event["job_id"])
            if watched is not None:
                watched.events.append(event)

    async def _fetch_progress(self, said_at: Mapping[str, str | None]) -> None:
        """Of jobs whose trainer said something new since the last tick."""
        moved = [job_id for job_id, at in said_at.items() if at != self._jobs.get(job_id, _NOBODY).progressed_at]
        if not moved:
            return
        for row in await self._ticks.rows(views.PROGRESS, ids=moved):
            watched = self._jobs.get(row["id"])
            if watched is not None:
                watched.progressed_at, watched.progress = said_at[row["id"]], row
                watched.wake()


def _move(watched: Watched, row: Mapping[str, Any] | None) -> None:
    """Bring a job up to what its row and its events say; a job that is gone is over."""
    is_over = row is None or row["status"] in TERMINAL
    seq = max(watched.seq, row["seq"] if row else 0, watched.events[-1]["seq"] if watched.events else 0)
    if seq != watched.seq or is_over != watched.is_over:
        watched.seq, watched.is_over = seq, is_over
        watched.wake()
