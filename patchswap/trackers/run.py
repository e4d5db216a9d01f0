"""The content of a tracker's run: a job's settings, curves with times, figures, labels and link."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from patchswap.errors import BadInput
from patchswap.resources import Job
from patchswap.transport import Transport

Setting = str | bool | int | float


@dataclass(frozen=True)
class Value:
    """One point of a curve. `at` is in seconds since 1970; `value` is NaN where training gave no finite number."""

    step: int
    at: float
    value: float


@dataclass(frozen=True)
class Run:
    job_id: str
    name: str
    status: str
    url: str
    started_at: float
    ended_at: float | None
    labels: Mapping[str, str]
    settings: Mapping[str, Setting]  # the resolved spec by dotted paths
    curves: Mapping[str, list[Value]]
    figures: Mapping[str, float]  # of the held-out images and of the exported files
    last_step: int

    @property
    def facts(self) -> dict[str, str]:
        """The labels, and what leads back to the job."""
        return dict(self.labels) | {"patchswap.job": self.job_id, "patchswap.url": self.url}


def of(job: Job) -> Run:
    """Reads all that there is of it so far. Raises BadInput for a job that no worker has begun."""
    if not job.attempts:
        raise BadInput(f"Job {job.id} has not started, so there is nothing to export.")
    curves = _curves(job.client.transport, job.id)
    return Run(
        job_id=job.id,
        name=job.name or job.id,
        status=job.status,
        url=f"{job.client.transport.url}/ui/#/jobs/{job.id}",
        started_at=job.attempts[0].started_at.timestamp(),
        ended_at=job.finished_at.timestamp() if job.finished_at else None,
        labels=job.labels,
        settings=dict(_flat(job.resolved)),
        curves=curves,
        figures=_figures(job) if job.status == "succeeded" else {},
        last_step=max((points[-1].step for points in curves.values()), default=0),
    )


def _curves(transport: Transport, job_id: str) -> dict[str, list[Value]]:
    """Every point: CSV and NDJSON are not thinned out, and have the times."""
    answer = transport.call("GET", f"/v1/jobs/{job_id}/metrics", params={"format": "ndjson"})
    found: dict[str, list[Value]] = {}
    for line in answer.iter_lines():
        point = json.loads(line)
        value = math.nan if point["value"] is None else point["value"]
        at = datetime.fromisoformat(point["at"]).astimezone(UTC).timestamp()
        found.setdefault(point["key"], []).append(Value(point["step"], at, value))
    return found


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Setting]]:
    """Leaves by dotted paths. A list, and null, is one value as JSON: trackers know neither."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _flat(each, f"{path}.{name}" if path else name)
    else:
        yield path, value if isinstance(value, str | bool | int | float) else json.dumps(value)


def _figures(job: Job) -> dict[str, float]:
    evaluation = job.evaluation()
    arms = {"": evaluation["main"], "control.": evaluation.get("control")}
    found = {
        f"{prefix}{split}.{name}": value
        for prefix, arm in arms.items()
        if arm
        for split, figures in arm["splits"].items()
        for name, value in _numbers(figures)
    }
    for export in job.client.models.exports(job.model_id):
        if export.status == "succeeded":
            found |= {f"{export.format}_{export.precision}.{n}": v for n, v in _numbers(export.measured or {})}
    return found


def _numbers(figures: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in figures.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, float(value)
