"""models, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from patchswap.cli.output import Json, accuracy_of, connect, emit, note, table

app = typer.Typer(help="List models and inspect them.", no_args_is_help=True)
ModelOrJob = Annotated[str, typer.Argument(metavar="MODEL|JOB", help="Model or job: model_... or job_...")]
ModelId = Annotated[str, typer.Argument(metavar="MODEL", help="Model, model_...")]


def report(
    what: Annotated[str, typer.Argument(metavar="JOB|MODEL", help="Job or model: job_... or model_...")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write. Default: report.html.")] = None,
    as_json: Json = False,
) -> None:
    """Download the report of a training: one HTML file."""
    with connect() as client:
        path = client.models.report(what, output or Path("report.html"))
    emit({"file": str(path)}, as_json=as_json, text=str(path))


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List models, newest first."""
    with connect() as client:
        found = list(client.models.list())
    rows = [
        (m.id, m.name, m.architecture, m.method, m.headline and accuracy_of({m.headline.metric: m.headline.value}))
        for m in found
    ]
    emit(found, as_json=as_json, text=table(("ID", "NAME", "ARCHITECTURE", "METHOD", "ACCURACY"), rows))


@app.command("show")
def show_model(model_id: ModelId, as_json: Json = False) -> None:
    """Show the card of a model."""
    with connect() as client:
        model = client.models.get(model_id)
        card = "" if as_json else client.models.card(model_id)
    emit(model, as_json=as_json, text=card.strip())


@app.command("suspects")
def list_suspects(
    model: ModelOrJob,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write a page with the pictures to this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List labels that a classifier contradicts, the most suspect first. Look before you change one."""
    with connect() as client:
        found = client.models.suspects(model)
        if output is not None:
            from patchswap.pages import suspects  # noqa: PLC0415 - only this option needs it

            output.write_text(suspects.page(client.datasets, found), encoding="utf-8")
            note(str(output))
    looked = ", ".join(f"{count:,} {split}" for split, count in found.images.items())
    counts = f"{found.found['held_out']:,} held-out and {found.found['train']:,} training labels are suspect"
    rows = [
        (one.split, one.path, one.label, one.suggested, f"{one.suggested_probability:.0%}")
        for one in (*found.held_out, *found.train)
    ]
    listed = table(("SPLIT", "PICTURE", "LABEL", "PERHAPS", "P"), rows) if rows else ""
    emit(found, as_json=as_json, text="\n\n".join(filter(None, [f"{counts}; looked at {looked} images", listed])))
