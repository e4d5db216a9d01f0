"""What the service answers, typed and read-only. Fields of a newer service than this client are kept as they came.

A resource that was fetched remembers its client, so that `job.cancel()` is one call; how calls are made is not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr

if TYPE_CHECKING:
    from patchswap.client import Client

JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled", "paused"]
TERMINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})
ENDED_EXPORT: frozenset[str] = frozenset({"succeeded", "gate_failed", "failed"})


class Resource(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class Bound(Resource):
    """A resource with calls of its own."""

    _client: Client | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, client: Client, data: Mapping[str, Any]) -> Self:
        found = cls.model_validate(data)
        found._client = client  # noqa: SLF001 - our own
        return found

    @property
    def client(self) -> Client:
        if self._client is None:
            raise RuntimeError("this object was not fetched by a Client")
        return self._client


class Finding(Resource):
    """One thing a person should know about an archive."""

    severity: Literal["error", "warning", "info"]
    code: str
    path: str | None = None
    message: str
    fix: str | None = None


class ValidationReport(Resource):
    """What ingest found in an archive."""

    status: str
    layout: str | None = None
    accepted: int
    skipped: int
    ignored: int
    classes: int
    splits: dict[str, int]
    pairability: dict[str, Any] | None = None
    findings: tuple[Finding, ...] = ()
    counts: dict[str, int] = {}


class DatasetVersion(Resource):
    """One immutable pack."""

    id: str
    dataset_id: str
    status: Literal["queued", "running", "ready", "failed"]
    digest: str | None = None
    classes: tuple[str, ...] | None = None
    superclasses: dict[str, str] | None = None  # class -> super-class, where the archive names them
    counts: dict[str, dict[str, int]] | None = None
    image_size: tuple[int, int] | None = None
    created_at: datetime


class Dataset(Bound):
    id: str
    name: str
    task: str
    status: Literal["ingesting", "ready", "failed"]
    latest_version_id: str | None = None
    error: dict[str, Any] | None = None
    created_at: datetime

    def wait(self, timeout_seconds: float | None = None) -> Dataset:
        """The dataset once it is ready. Raises DatasetUnsuccessful, WaitTimeout."""
        return self.client.datasets.wait(self.id, timeout_seconds=timeout_seconds)

    def validation(self) -> ValidationReport:
        return self.client.datasets.validation(self.id)

    def delete(self) -> None:
        self.client.datasets.delete(self.id)


class Progress(Resource):
    """How far a job is. `step` and `steps` count both arms where there is a control."""

    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    fraction: float | None = None
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
    created_at: datetime


class Job(Bound):
    id: str
    name: str | None = None
    status: JobStatus
    phase: str | None = None
    dataset_id: str | None = None
    dataset_version_id: str | None = None
    spec: dict[str, Any] = {}  # as asked for, the recipe merged in
    resolved: dict[str, Any] = {}  # with nothing left to choose
    labels: dict[str, str] = {}
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


class Export(Bound):
    id: str
    model_id: str
    format: str
    precision: str
    status: Literal["queued", "running", "succeeded", "gate_failed", "failed"]
    bytes: int | None = None  # of the bundle
    sha256: str | None = None
    measured: dict[str, Any] | None = None
    violations: tuple[str, ...] = ()
    error: dict[str, Any] | None = None
    created_at: datetime

    def wait(self, timeout_seconds: float | None = None) -> Export:
        """The export once it succeeded or its gate failed. Raises ExportUnsuccessful, WaitTimeout."""
        return self.client.exports.wait(self.id, timeout_seconds=timeout_seconds)

    def download(self, path: Path | str) -> Path:
        return self.client.exports.download(self.id, path)


class Model(Bound):
    """A trained network."""

    id: str
    job_id: str
    name: str
    task: str
    architecture: str
    method: str
    parameters: int
    macs: int
    top1_accuracy: float | None = None  # on the held-out images
    report: dict[str, Any] | None = None  # bytes and sha256; None for models older than reports
    created_at: datetime

    def exports(self) -> tuple[Export, ...]:
        """Oldest first."""
        return self.client.models.exports(self.id)

    def save_report(self, path: Path | str) -> Path:
        return self.client.models.report(self.id, path)

    def pull(self, target: Path | str, *, precision: str = "fp32", replace: bool = False) -> Path:
        return self.client.models.pull(self.id, target, precision=precision, replace=replace)


class ApiKey(Resource):
    """`api_key` is there once, in the answer to its creation."""

    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    created_at: datetime
    api_key: str | None = None


class Recipe(Resource):
    name: str
    description: str
    parameters: int | None = None
    macs: int | None = None
    run_here: bool = False
    spec: dict[str, Any] = {}


class Validated(Resource):
    """A spec with nothing left to choose, and what the service thinks of it."""

    resolved: dict[str, Any]
    warnings: tuple[dict[str, Any], ...] = ()
