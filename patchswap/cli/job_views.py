"""jobs clone, events, metrics, evaluation, usage, download: a route each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from patchswap.cli import bars, specs
from patchswap.cli.output import Json, connect, duration, emit, note, printable, table
from patchswap.errors import BadInput

_FIRST_NAMES = ("gpu_seconds", "platform_fault_seconds")  # deprecated, of figures that have better ones
JobId = Annotated[str, typer.Argument(metavar="JOB", help="Job, job_...")]


def add_to(app: typer.Typer) -> None:
    for command in (clone, events, metrics, evaluation, usage, download):
        app.command()(command)


def clone(
    job_id: JobId,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Set one field, such as training.epochs=5. Repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Queue a new job like this one, with changes."""
    changes: dict[str, Any] = {}
    specs.set_all(changes, assign or [])
    with connect() as client:
        job = client.jobs.clone(job_id, **changes)
    emit(job, as_json=as_json, text=job.id)
    if not as_json:
        note(f"Follow it: patchswap watch {job.id}")


def events(
    job_id: JobId,
    after: Annotated[int, typer.Option(min=0, help="Only events after this number (seq).")] = 0,
    as_json: Json = False,
) -> None:
    """Show what happened to a job, oldest first. `watch` follows it. With --json, one event per line."""
    with connect() as client:
        for event in client.jobs.events(job_id, after=after):
            said = printable(json.dumps(event.data, ensure_ascii=False))
            emit(event, as_json=as_json, text=f"{event.seq:>4} {event.at:%Y-%m-%d %H:%M:%S} {event.type:10} {said}")


def metrics(
    job_id: JobId,
    key: Annotated[
        list[str] | None, typer.Option(help="Curve, such as val.top1_accuracy. Repeatable. Default: all.")
    ] = None,
    max_points: Annotated[
        int | None, typer.Option(min=1, help="Maximum points per curve. The last point is always included.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the training curves, one line per point."""
    with connect() as client:
        found = client.jobs.metrics(job_id, *(key or ()), max_points=max_points)
    rows = [(name, point.epoch, point.step, point.value) for name, points in found.items() for point in points]
    plain = {name: [point.model_dump(mode="json") for point in points] for name, points in found.items()}
    emit(plain, as_json=as_json, text=table(("CURVE", "EPOCH", "STEP", "VALUE"), rows))


def evaluation(job_id: JobId, as_json: Json = False) -> None:
    """Show what was measured on held-out images, for the method and its baseline."""
    with connect() as client:
        found = client.jobs.evaluation(job_id)
    arms = [arm for arm in (found["main"], found.get("control")) if arm]
    rows = [
        (arm["arm"], arm["method"], split["split"], name, f"{value:.4f}")
        for arm in arms
        for split in arm["splits"].values()
        for name, value in split.items()
        if isinstance(value, float)
    ]
    emit(found, as_json=as_json, text=table(("ARM", "METHOD", "SPLIT", "FIGURE", "VALUE"), rows))


def usage(job_id: JobId, as_json: Json = False) -> None:
    """Show the time that a job used: useful, lost to faults of the platform, waiting."""
    with connect() as client:
        job = client.jobs.get(job_id)
    shown = job.usage | {"attempts": len(job.attempts)}
    told = {name: value for name, value in shown.items() if name not in _FIRST_NAMES}
    rows = [(name.replace("_", " "), duration(value) if "seconds" in name else value) for name, value in told.items()]
    emit(shown, as_json=as_json, text="\n".join(f"{name}: {value}" for name, value in rows))


def download(
    job_id: JobId,
    checkpoint_id: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="Checkpoint, ckpt_... from `jobs checkpoints`")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write. Default: CHECKPOINT.ckpt in this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Download a checkpoint, and check its sha256."""
    path = output or Path(f"{checkpoint_id}.ckpt")
    if path.exists():
        raise BadInput(f"{path} is there already. Name another file with --output.")
    with connect() as client, bars.transfer("downloading") as shown:
        client.jobs.download_checkpoint(job_id, checkpoint_id, path, progress=shown)
    emit({"file": str(path), "bytes": path.stat().st_size}, as_json=as_json, text=str(path))
