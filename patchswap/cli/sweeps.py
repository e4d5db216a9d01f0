"""sweep create, watch, list, show, cancel, rm."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchswap.cli import spaces, specs
from patchswap.cli.output import Json, connect, emit, note, plain, table
from patchswap.errors import BadInput

if TYPE_CHECKING:
    from patchswap.calls.sweeps import Sweep, Trial

app = typer.Typer(help="Search for good settings, judged on validation images.", no_args_is_help=True)
SweepId = Annotated[str, typer.Argument(metavar="SWEEP", help="Sweep, swp_...")]


@app.command()
def create(  # noqa: PLR0913, PLR0917 - one for each option
    file: Annotated[Path | None, typer.Option(help="JSON file with a sweep or a part of one.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Dataset: NAME, NAME@2, ds_... or dsv_...")] = None,
    recipe: Annotated[str | None, typer.Option(help="Recipe that every trial starts from.")] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Set one field for every trial. Repeatable.")
    ] = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option(
            "--range",
            metavar="PATH=LOW..HIGH",
            help="Range to search; add ,log or ,step=N. Integer bounds give integers. Repeatable.",
        ),
    ] = None,
    choices: Annotated[
        list[str] | None, typer.Option("--choice", metavar="PATH=A,B,C", help="Values to choose from. Repeatable.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Ranges that matter for a method, patch_swap. Your own ranges win.")
    ] = None,
    algorithm: Annotated[str | None, typer.Option(help="Algorithm: random or asha.")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Number of trials.")] = None,
    max_concurrent: Annotated[int | None, typer.Option(min=1, help="Trials that run at the same time.")] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="Metric to optimise, such as val.top1_accuracy or val.nll. Default: depends on the task."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the search.")] = None,
    name: Annotated[str | None, typer.Option(help="Display name.")] = None,
    follow: Annotated[bool, typer.Option("--watch", help="Follow the sweep to its end.")] = False,
    as_json: Json = False,
) -> None:
    """Search for good settings. The best ones are then trained as a full job and tested."""
    asked = specs.read(file) if file else {}
    options = {"dataset": dataset, "algorithm": algorithm, "trials": trials, "max_concurrent": max_concurrent}
    options |= {"metric": metric, "seed": seed, "name": name, "preset": preset}
    asked |= {key: value for key, value in options.items() if value is not None}
    asked["spec"] = _part(asked, "spec") | ({"recipe": recipe} if recipe else {})
    specs.set_all(asked["spec"], assign or [])
    asked["space"] = _part(asked, "space") | spaces.ranges(ranges or []) | spaces.choices(choices or [])
    _require(asked)
    with connect() as client:
        sweep = client.sweeps.create(asked)
        if follow:
            note(f"{sweep.id} {sweep.status}")
            _follow(sweep, as_json=as_json)
            return
    emit(sweep, as_json=as_json, text=sweep.id)
    if not as_json:
        note(f"Follow it: patchswap sweep watch {sweep.id}")


@app.command()
def watch(sweep_id: SweepId, as_json: Json = False) -> None:
    """Follow a sweep to its end. Ctrl-C leaves it alone. --json prints one trial per line, then the sweep."""
    with connect() as client:
        _follow(client.sweeps.get(sweep_id), as_json=as_json)


@app.command("list")
def list_sweeps(
    limit: Annotated[int, typer.Option(min=1, help="Show the most recent N.")] = 20, as_json: Json = False
) -> None:
    """List sweeps, newest first."""
    with connect() as client:
        found = [sweep for sweep, _ in zip(client.sweeps.list(), range(limit), strict=False)]
    rows = [(s.id, s.name, s.status, sum(s.counts.values()), _value(s.best), s.created_at) for s in found]
    emit(found, as_json=as_json, text=table(("ID", "NAME", "STATUS", "TRIALS", "BEST", "CREATED"), rows))


@app.command()
def show(sweep_id: SweepId, as_json: Json = False) -> None:
    """Show a sweep with its trials."""
    with connect() as client:
        sweep = client.sweeps.get(sweep_id)
    emit(sweep, as_json=as_json, text=_summary(sweep))


@app.command()
def cancel(sweep_id: SweepId, as_json: Json = False) -> None:
    """Cancel a sweep and its jobs."""
    with connect() as client:
        sweep = client.sweeps.cancel(sweep_id)
    emit(sweep, as_json=as_json, text=f"{sweep.id} {sweep.status}")


@app.command()
def rm(
    sweep_id: SweepId,
    with_jobs: Annotated[
        bool, typer.Option("--with-jobs", help="Also delete its jobs, with their models and files.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete a sweep that has ended. Its jobs stay."""
    with connect() as client:
        client.sweeps.delete(sweep_id, with_jobs=with_jobs)
    emit({"id": sweep_id, "deleted": True}, as_json=as_json, text=f"deleted {sweep_id}")


def _part(asked: dict[str, Any], name: str) -> dict[str, Any]:
    part = asked.get(name, {})
    if not isinstance(part, dict):
        raise BadInput(f"{name} in the file must be one JSON object.")
    return dict(part)


def _require(asked: dict[str, Any]) -> None:
    if not isinstance(asked.get("dataset"), str):
        raise BadInput("No dataset is named. Give --dataset, an id or a name from `patchswap datasets list`.")
    if not asked["space"] and "preset" not in asked:
        raise BadInput(
            "Nothing is searched. Give --range optimizer.learning_rate=1e-3..0.5,log, --choice, or --preset patch_swap."
        )
    if "trials" not in asked:
        raise BadInput("The number of trials is missing. Give --trials.")


def _follow(sweep: Sweep, *, as_json: bool) -> None:
    """To the end of the sweep; exits with 1 where that is no success."""
    shown: dict[int, str] = {}
    final_job_id: str | None = None
    try:
        for sweep in sweep.watch():  # noqa: B020, PLR1704 - each is the same one, as it stands now
            for trial in sweep.trials:
                if shown.get(trial.number) != trial.status:
                    shown[trial.number] = trial.status
                    _tell(trial, as_json=as_json)
            if sweep.final_job_id != final_job_id and not as_json:
                note(f"The best becomes job {sweep.final_job_id}; follow it: patchswap watch {sweep.final_job_id}")
            final_job_id = sweep.final_job_id
    except KeyboardInterrupt:
        note(f"The sweep goes on. Follow it: patchswap sweep watch {sweep.id}")
        note(f"Cancel it: patchswap sweep cancel {sweep.id}")
        raise typer.Exit(130) from None
    emit({"type": "end", "sweep": plain(sweep)}, as_json=as_json, text=_summary(sweep))
    if sweep.status != "succeeded":
        sys.exit(1)
    if not as_json:
        note(f"Load it: patchswap pull {sweep.final_job_id}")


def _tell(trial: Trial, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"type": "trial", **plain(trial)}, ensure_ascii=False), flush=True)
    else:
        value = f" {trial.value:.4f}" if trial.value is not None and trial.status != "running" else ""
        note(f"Trial {trial.number} {trial.status}{value}: {_params(trial)}")


def _summary(sweep: Sweep) -> str:
    lines = [f"{sweep.id} {sweep.name or ''}".rstrip() + f": {sweep.status}"]
    rows = [(t.number, t.status, _value(t), t.epochs, t.job_id, _params(t)) for t in sweep.trials]
    if rows:
        lines.append(table(("TRIAL", "STATUS", "VALUE", "EPOCHS", "JOB", "VALUES TRIED"), rows))
    if sweep.best:
        lines.append(f"best: trial {sweep.best.number}, {sweep.spec.get('metric')} {_value(sweep.best)} on validation")
    if sweep.final_job_id:
        lines.append(f"final job {sweep.final_job_id}")
    if sweep.error:
        lines.append(f"{sweep.error.get('code')}: {sweep.error.get('message')}; {sweep.error.get('remediation')}")
    return "\n".join(lines)


def _params(trial: Trial) -> str:
    shown = {path: f"{v:.4g}" if isinstance(v, float) else json.dumps(v) for path, v in trial.params.items()}
    return ", ".join(f"{path}={value}" for path, value in shown.items())


def _value(trial: Trial | None) -> str | None:
    return None if trial is None or trial.value is None else f"{trial.value:.4f}"
