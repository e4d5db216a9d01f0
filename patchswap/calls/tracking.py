"""A job, or each of a sweep or a comparison, as a run of an experiment tracker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from patchswap.errors import BadInput
from patchswap.local import extras
from patchswap.resources import Job, Resource
from patchswap.resources.bound import Home
from patchswap.trackers import mlflow_runs, run, tensorboard_files

Tracker = Literal["tensorboard", "mlflow"]
EXPERIMENT = "patchswap"
FOLDERS = {"tensorboard": "runs", "mlflow": "mlruns"}


@dataclass(frozen=True)
class Target:
    tracker: Tracker
    folder: Path | str | None = None
    server: str | None = None  # MLflow's, by its url
    experiment: str = EXPERIMENT  # MLflow's


class Exported(Resource):
    """A job in a tracker."""

    job_id: str
    tracker: Tracker
    place: str  # the folder, or the server's url
    run: str  # TensorBoard's name of the run, or MLflow's id of it


def export(client: Home, wanted: str, target: Target) -> tuple[Exported, ...]:
    """Raises BadInput where nothing has started, MissingExtra, and PatchswapError where a server refuses it."""
    extras.require("trackers", command="patchswap export-run")
    if target.tracker not in FOLDERS:
        raise BadInput(f"There is no tracker {target.tracker!r}. Those known are {' and '.join(FOLDERS)}.")
    if target.server and (target.tracker != "mlflow" or target.folder):
        raise BadInput("A server is MLflow's, and takes the place of the folder.")
    return tuple(_write(run.of(job), target) for job in _jobs(client, wanted))


def _jobs(client: Home, wanted: str) -> Sequence[Job]:
    """Those of a sweep or a comparison in the order in which they were made."""
    lists = {"swp_": "sweep", "cmp_": "comparison"}
    kind = next((kind for prefix, kind in lists.items() if wanted.startswith(prefix)), None)
    if kind is None:
        return [client.jobs.get(wanted)]
    found = [job for job in client.jobs.list(full=True, **{kind: wanted}) if job.attempts]
    if not found:
        raise BadInput(f"No job of {wanted} has started, so there is nothing to export.")
    return found[::-1]


def _write(found: run.Run, target: Target) -> Exported:
    folder = Path(target.folder or FOLDERS[target.tracker])
    if target.tracker == "tensorboard":
        place = tensorboard_files.write(found, folder)
        return Exported(job_id=found.job_id, tracker="tensorboard", place=str(folder), run=place.name)
    where = target.server or folder
    run_id = mlflow_runs.write(found, where, target.experiment)
    return Exported(job_id=found.job_id, tracker="mlflow", place=str(where), run=run_id)
