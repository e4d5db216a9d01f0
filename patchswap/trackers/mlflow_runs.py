"""A job as a run of MLflow, on a tracking server or in a folder, by MLflow's own client."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from patchswap.errors import PatchswapError
from patchswap.trackers.run import Run

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")
Point = tuple[str, int, int]  # name, step, milliseconds since 1970

SETTINGS_PER_CALL = 100  # limits of the server's
METRICS_PER_CALL = 1000
STATUSES = {"succeeded": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}


def write(run: Run, where: Path | str, experiment: str) -> str:
    """The id of the run. One that was exported there before is brought up to date, for MLflow only ever adds points.

    Where the job was trained anew since then, that run has points which are no longer the job's: it gets another run.
    """
    _prepare()
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - an extra, and seconds of imports

    try:
        return _write(run, where.resolve().as_uri() if isinstance(where, Path) else where, experiment)
    except (MlflowException, ImportError) as error:
        raise PatchswapError(f"MLflow at {where} did not take the run: {error}") from error


def _prepare() -> None:
    """Unless the caller decides: no usage figures for MLflow's makers, and folders, which MLflow calls outdated."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # 7 of them keep a person waiting for minutes


def _write(run: Run, uri: str, experiment: str) -> str:
    from mlflow import MlflowClient  # noqa: PLC0415 - an extra
    from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415 - an extra

    client = MlflowClient(tracking_uri=uri)
    points = _points(run)
    run_id, known = _find_or_create(client, run, experiment, points)
    for settings in _chunks(run.settings.items(), SETTINGS_PER_CALL):
        client.log_batch(run_id, params=[Param(name, str(value)) for name, value in settings])
    for facts in _chunks(run.facts.items(), SETTINGS_PER_CALL):
        client.log_batch(run_id, tags=[RunTag(name, value) for name, value in facts])
    for new in _chunks(points.keys() - known, METRICS_PER_CALL):
        client.log_batch(run_id, metrics=[Metric(name, points[name, step, at], at, step) for name, step, at in new])
    client.set_tag(run_id, "mlflow.note.content", f"[{run.job_id}]({run.url}) of patchswap: {run.status}")
    if run.ended_at is None:
        client.update_run(run_id, status="RUNNING")
    else:
        client.set_terminated(run_id, STATUSES[run.status], end_time=_milliseconds(run.ended_at))
    return run_id


def _points(run: Run) -> dict[Point, float]:
    curves = {
        (name, point.step, _milliseconds(point.at)): point.value
        for name, points in run.curves.items()
        for point in points
    }
    ended = _milliseconds(run.ended_at or run.started_at)
    return curves | {(name, run.last_step, ended): value for name, value in run.figures.items()}


def _find_or_create(
    client: MlflowClient, run: Run, experiment: str, points: dict[Point, float]
) -> tuple[str, set[Point]]:
    """The run in MLflow, and the points that it has already."""
    found = client.get_experiment_by_name(experiment)
    experiment_id = found.experiment_id if found else client.create_experiment(experiment)
    for earlier in client.search_runs([experiment_id], f"tags.`patchswap.job` = '{run.job_id}'"):
        known = {
            (name, point.step, point.timestamp)
            for name in earlier.data.metrics
            for point in client.get_metric_history(earlier.info.run_id, name)
        }
        if known <= points.keys():
            return earlier.info.run_id, known
    created = client.create_run(experiment_id, run_name=run.name, start_time=_milliseconds(run.started_at))
    return created.info.run_id, set()


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    left = list(items)
    for start in range(0, len(left), size):
        yield left[start : start + size]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
