"""export-run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from patchswap.cli.output import Json, connect, emit, note
from patchswap.local import extras


class Tracker(StrEnum):
    tensorboard = "tensorboard"
    mlflow = "mlflow"


def export_run(  # noqa: PLR0917 - one for each option
    wanted: Annotated[
        str,
        typer.Argument(metavar="JOB", help="Job, job_..., or all jobs of a sweep or comparison, swp_... or cmp_..."),
    ],
    to: Annotated[Tracker, typer.Option(help="Experiment tracker to export to.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder. Default: ./runs for TensorBoard, ./mlruns for MLflow."),
    ] = None,
    server: Annotated[str | None, typer.Option(metavar="URL", help="Tracking server of MLflow.")] = None,
    experiment: Annotated[str, typer.Option(help="Experiment of MLflow.")] = "patchswap",
    as_json: Json = False,
) -> None:
    """Export settings, curves and figures of a job to TensorBoard or MLflow. Repeat it to bring the run up to date."""
    extras.require("trackers", command="patchswap export-run")  # before it asks for a key
    with connect() as client:
        found = client.jobs.export_run(wanted, to.value, folder=output, server=server, experiment=experiment)
    emit(list(found), as_json=as_json, text="\n".join(f"{each.run} in {each.place}" for each in found))
    if not as_json and server is None:
        note(f"See it: {_viewer(to, output)}")


def _viewer(tracker: Tracker, folder: Path | None) -> str:
    if tracker is Tracker.tensorboard:
        return f"pip install tensorboard && tensorboard --logdir {folder or 'runs'}"
    return f"pip install mlflow && MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri {folder or 'mlruns'}"
