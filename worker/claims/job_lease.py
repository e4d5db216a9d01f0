"""The claim on a job: beside the lease, what the trainer says is written in batches and requests are noticed."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from contract.child.messages import PhaseName
from core.jobs import events, ledger
from core.jobs.ledger import Claim, Wishes
from core.jobs.logs import Line
from core.jobs.usage import Kept
from core.settings import settings
from worker.claims.job_log import JobLog
from worker.claims.job_progress import JobProgress
from worker.claims.lease import Asked, Lease
from worker.claims.ledger_writes import write_once
from worker.claims.time_limits import TimeLimits

BATCH_SECONDS = 1.0  # between two writes while there is news


class JobLease(Lease):
    def __init__(self, claim: Claim, progress: JobProgress, log: JobLog, limits: TimeLimits | None = None) -> None:
        super().__init__(self._record)
        self.claim = claim
        self.progress = progress
        self.log = log
        self.limits = limits or TimeLimits()
        self._phase: PhaseName | None = None
        self._notes: list[tuple[events.EventType, dict[str, Any]]] = []
        self._points: dict[tuple[str, int], dict[str, Any]] = {}
        self._gpu_seconds = 0.0
        self._on_device_at: float | None = None
        self._device_total = 0.0  # of this attempt
        self._changed = False
        self._wishes = Wishes(cancel=False, pause=False)

    def advance(self) -> None:
        super().advance()
        self._changed = True

    def enter(self, phase: PhaseName) -> None:
        self._phase = phase
        self.note("phase", status="running", phase=phase, reason=None)
        self.log.say(f"phase: {phase}")
        self.advance()

    def note(self, type_: events.EventType, **data: Any) -> None:
        self._notes.append((type_, data))

    def point(self, key: str, *, step: int, epoch: int, value: float) -> None:
        row = {"job_id": self.claim.job_id, "key": key, "step": step, "epoch": epoch, "value": value}
        self._points[key, step] = row

    @contextmanager
    def on_device(self) -> Iterator[None]:
        """A trainer runs meanwhile."""
        self._on_device_at = time.monotonic()
        try:
            yield
        finally:
            self._count_device()
            self._on_device_at = None

    @property
    def used(self) -> Kept:
        """By this attempt so far."""
        return Kept(self.age_seconds, self.trainer_seconds)

    @property
    def trainer_seconds(self) -> float:
        """Of this attempt."""
        return self._device_total + (time.monotonic() - self._on_device_at if self._on_device_at is not None else 0.0)

    def tick(self) -> None:
        self.beat()
        if self._wishes.cancel:
            raise Asked("cancel")
        super().tick()
        if self._wishes.pause:
            raise Asked("pause")
        if self._phase != "publish" and self.limits.exceeded(self.age_seconds, self.trainer_seconds):
            raise Asked("time_limit")

    def _count_device(self) -> None:
        """What a trainer used until now, also of one that goes on: a killed worker loses little of the count."""
        if self._on_device_at is not None:
            now = time.monotonic()
            self._gpu_seconds += now - self._on_device_at
            self._device_total += now - self._on_device_at
            self._on_device_at = now

    def _pause_seconds(self) -> float:
        seconds = settings().heartbeat_seconds
        news = self._notes or self._points or self._changed or self.log.waits()
        return min(BATCH_SECONDS, seconds) if news else seconds

    def _write(self) -> None:
        """Everything gathered so far; it is kept for the next time when this fails."""
        self._count_device()
        lines = self.log.waiting()
        write_once(lambda session: self._record(session, lines))
        self.log.written(len(lines))
        self._notes.clear()
        self._points.clear()
        self._gpu_seconds = 0.0
        self._changed = False

    def _record(self, session: Session, lines: Sequence[Line] = ()) -> None:
        self._wishes = ledger.record(
            session,
            self.claim,
            notes=self._notes,
            points=list(self._points.values()),
            progress=self.progress.as_json() if self._changed else None,
            phase=self._phase,
            gpu_seconds=self._gpu_seconds,
            lines=lines,
        )
