"""Trainings, and what is told about them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from patchswap.resources.bound import Bound, Resource

JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled", "paused"]
TERMINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})


class Progress(Resource):
    """How far a job is. `step` and `steps` count both arms where there is a control."""

    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    fraction: float | None = None  # of the whole job, in time
    phase_fraction: float | None = None
    loss: float | None = None
    headline: dict[str, Any] | None = None  # metric, value, epoch: the newest figure of the main arm
    images_per_second: float | None = None
    seconds_per_epoch: float | None = None
    eta_seconds: float | None = None
    estimated_finish: datetime | None = None
    best: dict[str, Any] | None = None
    updated_at: datetime | None = None
    stale: bool = False


class Event(Resource):
    """One line of a job's log. `seq` grows by one; `progress` events, which are not kept, carry the last one's."""

    seq: int
    type: str
    at: datetime
    data: dict[str, Any] = {}
    live: bool = False  # not kept by the service


class LogLine(Resource):
    """A line of the trainer, or what the worker did."""

    seq: int
    attempt: int
    source: Literal["trainer", "worker"]
    at: datetime
    text: str


class Attempt(Resource):
    number: int
    worker: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None


class Point(Resource):
    """One value of a training curve."""

    step: int
    epoch: int
    value: float | None  # None where training gave no finite number


class Checkpoint(Resource):
    id: str
    arm: str
    step: int
    epoch: int
    bytes: int
    sha256: str
    best: bool
    pinned: bool = False
    created_at: datetime


class Chosen(Resource):
    """What the default recipe chose for a dataset, and why."""

    recipe: str
    spec: dict[str, Any] = {}
    reasons: tuple[str, ...] = ()


class Job(Bound):
    id: str
    name: str | None = None
    status: JobStatus
    phase: str | None = None
    dataset_id: str | None = None
    dataset_version_id: str | None = None
    spec: dict[str, Any] = {}  # as asked for, the recipe merged in
    resolved: dict[str, Any] = {}  # with nothing left to choose
    chosen: Chosen | None = None  # what the default recipe chose; None where a recipe was named
    labels: dict[str, str] = {}
    priority: int = 0  # among your own queued jobs: the highest starts first
    progress: Progress = Progress()
    queue: dict[str, Any] | None = None
    attempts: tuple[Attempt, ...] = ()
    transitions: tuple[dict[str, Any], ...] = ()
    usage: dict[str, Any] = {}
    error: dict[str, Any] | None = None
    model_id: str | None = None
    comparison_id: str | None = None  # whose trial it is
    sweep_id: str | None = None  # whose trial or final job it is
    latest_event_seq: int = 0
    cancel_requested_at: datetime | None = None
    pause_requested_at: datetime | None = None
    created_at: datetime
    finished_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.status in TERMINAL

    def refresh(self) -> Job:
        return self.client.jobs.get(self.id)

    def watch(self) -> Iterator[Event]:
        """Events as they come, until the job is over. Dropped connections are taken up again where they broke."""
        return self.client.jobs.watch(self.id)

    def wait(self, timeout_seconds: float | None = None) -> Job:
        """The job once it succeeded. Raises JobUnsuccessful, WaitTimeout; the job goes on in the latter case."""
        return self.client.jobs.wait(self.id, timeout_seconds=timeout_seconds)

    def events(self, after: int = 0) -> Iterator[Event]:
        """Those there are now, oldest first."""
        return self.client.jobs.events(self.id, after=after)

    def metrics(self, *keys: str, max_points: int | None = None) -> dict[str, tuple[Point, ...]]:
        return self.client.jobs.metrics(self.id, *keys, max_points=max_points)

    def evaluation(self) -> dict[str, Any]:
        return self.client.jobs.evaluation(self.id)

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        return self.client.jobs.checkpoints(self.id)

    def cancel(self) -> Job:
        return self.client.jobs.cancel(self.id)

    def pause(self) -> Job:
        return self.client.jobs.pause(self.id)

    def resume(self) -> Job:
        return self.client.jobs.resume(self.id)

    def retry(self) -> Job:
        return self.client.jobs.retry(self.id)

    def clone(self, **changes: Any) -> Job:
        """A new job like this one, `changes` merged into its spec."""
        return self.client.jobs.clone(self.id, **changes)

    def delete(self) -> None:
        self.client.jobs.delete(self.id)


class Validated(Resource):
    """A spec with nothing left to choose, and what the service thinks of it."""

    resolved: dict[str, Any]
    chosen: Chosen | None = None
    warnings: tuple[dict[str, Any], ...] = ()


class Estimate(Resource):
    """How long a training takes and how much memory it wants; `how` says what that is based on."""

    seconds: float
    seconds_low: float
    seconds_high: float
    train_seconds: float
    other_seconds: float
    memory_bytes: int
    images_seen: int
    device: str | None = None
    basis: str
    how: str
