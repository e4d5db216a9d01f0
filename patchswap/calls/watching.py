"""A job's events as they come: server-sent events, taken up again by Last-Event-ID, with long polls as the way out.

One thread reads events, the caller's looks at the job's progress in between. Nothing here changes the job.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx

from patchswap.errors import ApiError, ServiceUnreachable, Unavailable
from patchswap.resources import Event, Job
from patchswap.resources.bound import Home
from patchswap.retries import is_transient, pause_seconds
from patchswap.transport import read_json

_PROGRESS_SECONDS = 1.0
_LONG_POLL_SECONDS = 30
# The service sends a comment each 15 s; a stream silent for three of them is dead.
_SILENCE_SECONDS = 45.0
_STREAM_FAILURES_BEFORE_POLLING = 3
_PATIENCE_SECONDS = 300.0  # a service that is being restarted or moved comes back by then

_log = logging.getLogger(__name__)


def watch(client: Home, job_id: str, *, after: int = 0) -> Iterator[Event]:
    """Every event after `after` once and in order, with `progress` events between them, until the job is over.

    A `progress` event is the stream's, or made here where that brings none for a while; its data are the job's
    progress, status and phase.
    Raises ApiError (404 for an unknown job), ServiceUnreachable when the service stays away for minutes.
    """
    client.jobs.get(job_id)  # an unknown job, or a service that is not there, is said at once
    snapshots = _Snapshots(client, job_id)
    reader = _Reader(client, job_id, after)
    reader.start()
    try:
        while (found := reader.next(_PROGRESS_SECONDS)) is not _ENDED:
            if isinstance(found, Event):
                yield found
            elif (progress := snapshots.newest()) is not None:
                yield progress
    finally:
        reader.stop()


class _Ended:
    """The stream came to its proper end."""


_ENDED = _Ended()


class _Reader:
    """Reads the event log in a thread; `next` hands over what it read, or None when there is nothing for a while."""

    def __init__(self, client: Home, job_id: str, after: int) -> None:
        self._client = client
        self._path = f"/v1/jobs/{job_id}/events"
        self._job_id = job_id
        self._seq = after
        self._found: queue.SimpleQueue[Event | _Ended | Exception] = queue.SimpleQueue()
        self._stopping = threading.Event()

    def start(self) -> None:
        # A daemon: it may sit in a read for 15 s more, which must not hold up the end of the program.
        threading.Thread(target=self._run, name=f"watch {self._job_id}", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def next(self, timeout_seconds: float) -> Event | _Ended | None:
        try:
            found = self._found.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        if isinstance(found, Exception):
            raise found
        return found

    def _run(self) -> None:
        try:
            for event in self._read():
                self._found.put(event)
                if self._stopping.is_set():
                    return
            self._found.put(_ENDED)
        except Exception as error:  # noqa: BLE001 - handed to the thread that watches, which raises it
            self._found.put(error)

    def _read(self) -> Iterator[Event]:
        failures = 0
        while failures < _STREAM_FAILURES_BEFORE_POLLING and not self._stopping.is_set():
            before = self._seq
            try:
                for event in self._stream():
                    yield event
                    failures = 0
                if self._is_over():
                    return
            except (httpx.TransportError, ServiceUnreachable) as error:
                _log.info("the event stream of %s broke after event %d: %s", self._job_id, self._seq, error)
            except ApiError as error:
                if error.status in (401, 403, 404):
                    raise
                if not is_transient(error):
                    break
            failures = 0 if self._seq > before else failures + 1
            time.sleep(pause_seconds(failures))
        yield from self._poll()

    def _stream(self) -> Iterator[Event]:
        """One connection. Returns at its end, whether that is the job's or not."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self._seq)}
        path = f"{self._path}/stream"
        with self._client.transport.stream(path, headers=headers, read_timeout_seconds=_SILENCE_SECONDS) as response:
            for kind, data in parse(response.iter_lines()):
                if kind == "end" or self._stopping.is_set():
                    return
                yield from self._advance(json.loads(data))

    def _poll(self) -> Iterator[Event]:
        """Long polls: each answers at once when there is something new."""
        answered_at = time.monotonic()
        while not self._stopping.is_set():
            try:
                page = self._client.transport.get(self._path, after=self._seq, wait=_LONG_POLL_SECONDS, limit=200)
                is_over = not page["has_more"] and self._is_over()
            except (ServiceUnreachable, Unavailable) as error:
                if time.monotonic() > answered_at + _PATIENCE_SECONDS:
                    raise
                _log.info("the service is away, trying again: %s", error)
                continue
            answered_at = time.monotonic()
            for event in page["data"]:
                yield from self._advance(event)
            if is_over:
                return

    def _advance(self, data: dict[str, Any]) -> Iterator[Event]:
        event = Event.model_validate(data)
        if event.live:
            yield event
        elif event.seq > self._seq:  # after a reconnection the same one may come again
            self._seq = event.seq
            yield event

    def _is_over(self) -> bool:
        """Whether the job is over and its last event was read: `resume` may have made more of them meanwhile."""
        job = self._client.jobs.get(self._job_id)
        return job.is_over and job.latest_event_seq <= self._seq


class _Snapshots:
    """The job's progress as events, each time it has changed."""

    def __init__(self, client: Home, job_id: str) -> None:
        self._client = client
        self._path = f"/v1/jobs/{job_id}"
        self._etag = ""

    def newest(self) -> Event | None:
        """None where nothing changed, or while the service is away, which the reader is about to find out."""
        try:
            headers = {"If-None-Match": self._etag} if self._etag else {}
            answer = self._client.transport.call("GET", self._path, headers=headers)
        except (ServiceUnreachable, Unavailable) as error:
            _log.info("no progress can be had: %s", error)
            return None
        if answer.status_code == 304:
            return None
        self._etag = answer.headers.get("ETag", "")
        job = Job.of(self._client, read_json(answer))
        data = job.progress.model_dump(mode="json") | {"status": job.status, "phase": job.phase, "queue": job.queue}
        at = job.progress.updated_at or job.created_at
        return Event(seq=job.latest_event_seq, type="progress", at=at, data=data)


def parse(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """(event, data) of each message of an event stream; comments are heartbeats and left out."""
    kind = "message"
    data: list[str] = []
    for line in lines:
        if not line:
            if data or kind == "end":
                yield kind, "\n".join(data)
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
