"""train, watch, the verbs of a job, and jobs list, show, rm, logs, checkpoints, pin, unpin."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchswap.cli import bars, job_summary, job_views, plans, specs
from patchswap.cli.output import Json, connect, emit, note, plain, printable, table
from patchswap.errors import BadInput, Conflict, PatchswapError

if TYPE_CHECKING:
    from patchswap.client import Client
    from patchswap.resources import Checkpoint, Job

app = typer.Typer(help="List, show and delete trainings.", no_args_is_help=True)
job_views.add_to(app)
JobId = Annotated[str, typer.Argument(metavar="JOB", help="Job, job_...")]
CheckpointId = Annotated[str, typer.Argument(metavar="CHECKPOINT", help="Checkpoint, ckpt_...")]


def train(  # noqa: PLR0913, PLR0917 - one for each option
    dataset: Annotated[str | None, typer.Option(help="Dataset: NAME, NAME@2, ds_... or dsv_...")] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="A recipe of `patchswap recipes list`. Default: chosen for the dataset and the device."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Time to aim for, such as 10m or 2h: lowers epochs and image size of the default recipe.",
        ),
    ] = None,
    spec: Annotated[
        Path | None, typer.Option(help="JSON file with the settings of the job (a spec), or some of them.")
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Set one field, such as training.epochs=5. Repeatable."),
    ] = None,
    export: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PRECISION,...",
            help="File to make: int8, or with a format and limits: int8,openvino,max_drop=1. Repeatable.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Display name.")] = None,
    control: Annotated[
        bool | None, typer.Option(help="Also train a cross-entropy baseline on equally many images.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the training.")] = None,
    priority: Annotated[
        int | None, typer.Option(help="Priority among your own queued jobs, -100 to 100; the highest starts first.")
    ] = None,
    prune: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Prune channels to this share of the multiply-adds; 0.5 is half."),
    ] = None,
    image_size: Annotated[
        str | None, typer.Option(metavar="SIDE|HEIGHTxWIDTH", help="Training size in pixels, such as 320 or 288x384.")
    ] = None,
    fit: Annotated[
        str | None, typer.Option(help="How images are fitted to that size: auto, stretch or letterbox.")
    ] = None,
    max_time: Annotated[
        str | None, typer.Option(metavar="TIME", help="Stop it at a checkpoint after this running time: 2h, 90m.")
    ] = None,
    tiles: Annotated[
        str | None, typer.Option(help="Cut much larger images into tiles: auto, or the factor to shrink them by first.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Show what would run, why, and how long it takes. Train nothing.")
    ] = False,
    follow: Annotated[bool, typer.Option("--watch", help="Follow the job to its end.")] = False,
    as_json: Json = False,
) -> None:
    """Train on a dataset. Without --recipe, the dataset decides; --dry-run shows what would run and why."""
    body = specs.read(spec) if spec else {}
    options = {"dataset": dataset, "recipe": recipe, "name": name, "control": control, "seed": seed}
    options |= {"priority": priority, "budget_seconds": specs.seconds(budget) if budget else None}
    body |= {key: value for key, value in options.items() if value is not None}
    if max_time:
        body["limits"] = {**(body.get("limits") or {}), "max_seconds": specs.seconds(max_time)}
    pruned = [] if prune is None else [f"compression.pruning.target_macs_share={prune}"]
    sized = [] if image_size is None else [f"training.image_size={json.dumps(specs.image_size(image_size))}"]
    fitted = [] if fit is None else [f"training.fit={fit}"]
    cut = [] if tiles is None else [f"training.tiles.shrink={tiles}"]
    if export:
        body["exports"] = [specs.export(text) for text in export]
    specs.set_all(body, pruned + sized + fitted + cut + (assign or []))
    if not isinstance(body.get("dataset"), str):
        raise BadInput("No dataset is named. Give --dataset, an id or a name from `patchswap datasets list`.")
    called = body["dataset"]
    with connect() as client, _pointing_to_the_report(called):
        if dry_run:
            _print_validated(client, body, as_json=as_json)
            return
        job = client.jobs.create(body)
        if not as_json and job.chosen:
            for line in plans.lines(job.chosen, client.jobs.estimate(body)):
                note(line)
        if follow:
            note(f"{job.id} {job.status}")
            _follow(client, job, as_json=as_json)
            return
    emit(job, as_json=as_json, text=job.id)
    if not as_json:
        note(f"Follow it: patchswap watch {job.id}")


@contextmanager
def _pointing_to_the_report(dataset: str) -> Iterator[None]:
    """Says where to read why a dataset failed."""
    try:
        yield
    except Conflict as error:
        if error.code != "dataset_failed":
            raise
        remedy = f"To read why, run `patchswap datasets show {shlex.quote(dataset)}`."
        raise PatchswapError(f"No dataset could be made of what was pushed as {dataset}. {remedy}") from error


def watch(job_id: JobId, as_json: Json = False) -> None:
    """Follow a job to its end. Ctrl-C leaves the job alone. --json prints one event per line, then the job."""
    with connect() as client:
        _follow(client, client.jobs.get(job_id), as_json=as_json)


def cancel(job_id: JobId, as_json: Json = False) -> None:
    """Cancel a job. A checkpoint of what it learned is kept."""
    _verb("cancel", job_id, as_json=as_json)


def pause(job_id: JobId, as_json: Json = False) -> None:
    """Pause a job after a checkpoint and free the machine. `resume` continues from there."""
    _verb("pause", job_id, as_json=as_json)


def resume(job_id: JobId, as_json: Json = False) -> None:
    """Queue a paused, failed or cancelled job again, from its newest checkpoint."""
    _verb("resume", job_id, as_json=as_json)


def retry(job_id: JobId, as_json: Json = False) -> None:
    """Queue a failed or cancelled job again, from the beginning."""
    _verb("retry", job_id, as_json=as_json)


@app.command("list")
def list_jobs(  # noqa: PLR0917 - one for each option
    status: Annotated[
        str | None,
        typer.Option(help="Only jobs with this status: queued, running, paused, succeeded, failed or cancelled."),
    ] = None,
    comparison: Annotated[str | None, typer.Option(help="Only jobs of this comparison, cmp_...")] = None,
    sweep: Annotated[str | None, typer.Option(help="Only jobs of this sweep, swp_...")] = None,
    name: Annotated[
        str | None, typer.Option(help="Only jobs whose name begins with this, in upper or lower case.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show the most recent N.")] = 20,
    dataset: Annotated[
        str | None, typer.Option(help="Only jobs on this dataset: NAME, NAME@2, ds_... or dsv_...")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Include the specs, with --json.")] = False,
    as_json: Json = False,
) -> None:
    """List jobs, newest first."""
    with connect() as client:
        filters = {"status": status, "dataset": dataset, "comparison": comparison, "sweep": sweep, "name": name}
        jobs = client.jobs.list(**filters, full=full)
        found = [job for job, _ in zip(jobs, range(limit), strict=False)]
    rows = [(j.id, j.name, j.status, f"{j.progress.fraction or 0:.0%}", j.created_at) for j in found]
    emit(found, as_json=as_json, text=table(("ID", "NAME", "STATUS", "DONE", "CREATED"), rows))


@app.command()
def show(job_id: JobId, as_json: Json = False) -> None:
    """Show a job and its figures."""
    with connect() as client:
        job = client.jobs.get(job_id)
        emit(job, as_json=as_json, text="" if as_json else job_summary.text(job))


@app.command()
def rm(job_id: JobId, as_json: Json = False) -> None:
    """Delete a job that has ended, with its model and files."""
    with connect() as client:
        client.jobs.delete(job_id)
    emit({"id": job_id, "deleted": True}, as_json=as_json, text=f"deleted {job_id}")


@app.command()
def logs(
    job_id: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print new lines until the job ends.")] = False,
    tail: Annotated[int | None, typer.Option(min=1, max=5000, help="Only the last N lines.")] = None,
    as_json: Json = False,
) -> None:
    """Print the log of a job, oldest line first. With --json, each line is an object."""
    with connect() as client:
        try:
            for line in client.jobs.logs(job_id, tail=tail, follow=follow):
                emit(line, as_json=as_json, text=f"{line.at:%H:%M:%S} {line.source:7} {printable(line.text)}")
        except KeyboardInterrupt:
            note("The job goes on.")
            raise typer.Exit(130) from None


@app.command()
def checkpoints(job_id: JobId, as_json: Json = False) -> None:
    """List checkpoints. The newest two, the best and pinned ones are kept."""
    with connect() as client:
        found = client.jobs.checkpoints(job_id)
    rows = [(c.id, c.arm, c.step, c.bytes, _marks(c), c.created_at) for c in found]
    emit(found, as_json=as_json, text=table(("ID", "ARM", "STEP", "BYTES", "KEPT AS", "CREATED"), rows))


@app.command()
def pin(job_id: JobId, checkpoint_id: CheckpointId, as_json: Json = False) -> None:
    """Keep a checkpoint when newer ones arrive."""
    with connect() as client:
        checkpoint = client.jobs.pin(job_id, checkpoint_id)
    emit(checkpoint, as_json=as_json, text=f"{checkpoint.id} is pinned")


@app.command()
def unpin(job_id: JobId, checkpoint_id: CheckpointId, as_json: Json = False) -> None:
    """Let newer checkpoints replace this one again."""
    with connect() as client:
        checkpoint = client.jobs.unpin(job_id, checkpoint_id)
    emit(checkpoint, as_json=as_json, text=f"{checkpoint.id} is no longer pinned")


def _marks(checkpoint: Checkpoint) -> str:
    marks = {"best": checkpoint.best, "pinned": checkpoint.pinned}
    return ", ".join(name for name, holds in marks.items() if holds) or "newest"


def _verb(verb: str, job_id: str, *, as_json: bool) -> None:
    with connect() as client:
        job: Job = getattr(client.jobs, verb)(job_id)
    waits = verb in ("cancel", "pause") and job.status == "running"
    told = f"{job.id} {job.status}" + (f"; the worker will {verb} it after a checkpoint" if waits else "")
    emit(job, as_json=as_json, text=told)


def _follow(client: Client, job: Job, *, as_json: bool) -> None:
    """To the end of the job; exits with 1 where that is no success."""
    try:
        if as_json:
            for event in job.watch():
                print(json.dumps(plain(event), ensure_ascii=False), flush=True)
        else:
            with bars.Training(client, job.id) as shown:
                for event in job.watch():
                    shown.show(event)
    except KeyboardInterrupt:
        note(f"The job goes on. Follow it: patchswap watch {job.id}   cancel it: patchswap cancel {job.id}")
        raise typer.Exit(130) from None
    job = job.refresh()
    emit({"type": "end", "job": plain(job)}, as_json=as_json, text="" if as_json else job_summary.text(job))
    if job.status != "succeeded":
        sys.exit(1)
    if not as_json:
        note(f"Load it: patchswap pull {job.model_id}")


def _print_validated(client: Client, body: dict[str, Any], *, as_json: bool) -> None:
    """The resolved spec on stdout; what was chosen, why, and how long it takes on stderr."""
    found, estimate = client.jobs.validate(body), client.jobs.estimate(body)
    shown = plain(found) | {"estimate": plain(estimate)}
    emit(shown, as_json=as_json, text=json.dumps(found.resolved, indent=2))
    for line in [] if as_json else plans.lines(found.chosen, estimate):
        note(line)
    for warning in found.warnings:
        note(f"warning: {warning['pointer']}: {warning['message']}")
