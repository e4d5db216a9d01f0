"""Comparisons: create, follow, read their table. A client that goes away never ends one."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from patchswap.calls import pages, waiting
from patchswap.errors import BadInput, ServiceUnreachable, Unavailable
from patchswap.resources import TERMINAL, Bound, JobStatus, Resource
from patchswap.resources.bound import Home
from patchswap.transport import Transport, read_json

TableFormat = Literal["csv", "markdown", "png"]
_FORMATS: dict[str, TableFormat] = {".csv": "csv", ".md": "markdown", ".png": "png"}
_WATCH_SECONDS = 1.0
_PATIENCE_SECONDS = 300.0  # a service that is being restarted or moved comes back by then

_log = logging.getLogger(__name__)


class Estimate(Resource):
    """A mean over seeds with its 95 % interval, which is None where the seeds show no spread."""

    mean: float
    low: float | None = None
    high: float | None = None


class Difference(Estimate):
    """Of the headline figure to the control's, over the seeds that both finished."""

    seeds: int
    p_value: float | None = None
    p_value_adjusted: float | None = None


class MethodRow(Resource):
    method: str
    is_control: bool
    epochs: int
    jobs: int
    finished: int
    headline: Estimate | None = None  # of the table's metric
    headline_by_seed: dict[int, float]
    top1_accuracy: Estimate | None = None  # the same, of classification
    top1_accuracy_by_seed: dict[int, float]
    difference: Difference | None = None
    ece: Estimate | None = None
    nll: Estimate | None = None
    images_seen: float | None = None
    train_seconds: float | None = None
    peak_memory_bytes: int | None = None


class ComparisonTable(Resource):
    """What the jobs that succeeded so far say."""

    metric: str  # top1_accuracy, mean_iou or ap
    split: str | None = None
    samples: int | None = None
    rows: tuple[MethodRow, ...]  # the control first
    notes: tuple[str, ...] = ()


class ComparedJob(Resource):
    id: str
    method: str  # the label
    seed: int
    status: JobStatus
    phase: str | None = None
    fraction: float
    error_code: str | None = None
    model_id: str | None = None


class Comparison(Bound):
    """Methods over the same seeds. In a list it comes without its jobs and its table."""

    id: str
    name: str | None = None
    status: str  # that of its jobs together, or empty
    counts: dict[str, int]
    dataset_id: str
    methods: tuple[dict[str, Any], ...] = ()
    seeds: tuple[int, ...] = ()
    budget: str
    labels: dict[str, str]
    created_at: datetime
    finished_at: datetime | None = None
    jobs: tuple[ComparedJob, ...] = ()
    table: ComparisonTable | None = None

    @property
    def is_over(self) -> bool:
        return self.status in TERMINAL or self.status == "empty"

    def refresh(self) -> Comparison:
        return self.client.comparisons.get(self.id)

    def wait(self, timeout_seconds: float | None = None) -> Comparison:
        """The comparison once all its jobs are over, however they ended. Raises WaitTimeout."""
        return self.client.comparisons.wait(self.id, timeout_seconds=timeout_seconds)

    def watch(self) -> Iterator[Comparison]:
        return self.client.comparisons.watch(self.id)

    def cancel(self) -> Comparison:
        return self.client.comparisons.cancel(self.id)

    def delete(self, *, with_jobs: bool = False) -> None:
        self.client.comparisons.delete(self.id, with_jobs=with_jobs)


class Comparisons:
    def __init__(self, client: Home) -> None:
        self._client = client
        self._transport: Transport = client.transport

    def create(self, body: Mapping[str, Any] | None = None, **fields: Any) -> Comparison:
        """A job for each method and seed: `create(dataset="ds_...", methods=["patch_swap", "cs_kd"], seeds=5)`.

        `fields` go over `body`; `spec` is what the jobs have in common. Raises Invalid with a pointer to each fault.
        """
        return self._comparison(self._transport.post("/v1/comparisons", {**(body or {}), **fields}))

    def get(self, comparison_id: str) -> Comparison:
        return self._comparison(self._transport.get(f"/v1/comparisons/{comparison_id}"))

    def list(self) -> Iterator[Comparison]:
        """Newest first, without jobs and tables."""
        return (self._comparison(item) for item in pages.items(self._transport, "/v1/comparisons", order="desc"))

    def cancel(self, comparison_id: str) -> Comparison:
        """Ask for the end of all its jobs that are not over."""
        return self._comparison(self._transport.post(f"/v1/comparisons/{comparison_id}/cancel"))

    def delete(self, comparison_id: str, *, with_jobs: bool = False) -> None:
        """One whose jobs are over; they stay, unless they are to go with it. Raises Conflict for one that is not."""
        params = {"jobs": "delete" if with_jobs else "keep"}
        self._transport.call("DELETE", f"/v1/comparisons/{comparison_id}", params=params)

    def wait(self, comparison_id: str, *, timeout_seconds: float | None = None) -> Comparison:
        """The comparison once all its jobs are over, however they ended. Raises WaitTimeout."""
        return waiting.until(
            lambda: self.get(comparison_id),
            lambda found: found.is_over,
            what=comparison_id,
            timeout_seconds=timeout_seconds,
        )

    def watch(self, comparison_id: str) -> Iterator[Comparison]:
        """The comparison each time anything of it changed, until all its jobs are over."""
        path, tag = f"/v1/comparisons/{comparison_id}", ""
        answered_at = time.monotonic()
        while True:
            try:
                answer = self._transport.call("GET", path, headers={"If-None-Match": tag} if tag else {})
            except (ServiceUnreachable, Unavailable) as error:
                if not tag or time.monotonic() > answered_at + _PATIENCE_SECONDS:
                    raise
                _log.info("the service is away, trying again: %s", error)
                continue
            answered_at = time.monotonic()
            if answer.status_code != 304:
                tag = answer.headers.get("ETag", "")
                found = self._comparison(read_json(answer))
                yield found
                if found.is_over:
                    return
            time.sleep(_WATCH_SECONDS)

    def table(self, comparison_id: str) -> ComparisonTable:
        return ComparisonTable.model_validate(self._transport.get(f"/v1/comparisons/{comparison_id}/table"))

    def save_table(self, comparison_id: str, path: Path | str, *, format: TableFormat | None = None) -> Path:  # noqa: A002
        """The table as a file; png is a plot. Without a format the path's ending says it: .csv, .md or .png."""
        path = Path(path)
        params = {"format": format or _format_of(path)}
        answer = self._transport.call("GET", f"/v1/comparisons/{comparison_id}/table", params=params)
        path.write_bytes(answer.content)
        return path

    def _comparison(self, data: Mapping[str, Any]) -> Comparison:
        return Comparison.of(self._client, data)


def _format_of(path: Path) -> TableFormat:
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        raise BadInput(f"A table cannot be saved as {path.name}. Name a file that ends with .csv, .md or .png.")
    return found
