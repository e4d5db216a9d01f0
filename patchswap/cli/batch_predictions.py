"""predictions list, show, download, rm: of whole datasets."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from patchswap.cli.output import Json, connect, emit, size, table

app = typer.Typer(help="List, download and delete predictions of whole datasets.", no_args_is_help=True)
PredictionId = Annotated[str, typer.Argument(metavar="PREDICTION", help="Batch prediction, prd_...")]


@app.command("list")
def list_batches(
    model: Annotated[str | None, typer.Option(help="Only those of this model, model_...")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show the most recent N.")] = 20,
    as_json: Json = False,
) -> None:
    """List batch predictions, newest first."""
    with connect() as client:
        found = list(islice(client.predictions.list(model), limit))
    rows = [(p.id, p.model_id, p.dataset_version_id, p.status, p.images, size(p.bytes), p.created_at) for p in found]
    headings = ("ID", "MODEL", "DATASET VERSION", "STATUS", "IMAGES", "SIZE", "CREATED")
    emit(found, as_json=as_json, text=table(headings, rows))


@app.command()
def show(prediction_id: PredictionId, as_json: Json = False) -> None:
    """Show a batch prediction."""
    with connect() as client:
        found = client.predictions.get(prediction_id)
    lines = [f"{found.id}: {found.status}", f"model {found.model_id}", f"dataset version {found.dataset_version_id}"]
    if found.images is not None:
        lines.append(f"{found.images:,} images, {size(found.bytes)}")
    if found.error:
        lines.append(f"{found.error.get('code')}: {found.error.get('message')}")
    emit(found, as_json=as_json, text="\n".join(lines))


@app.command()
def download(
    prediction_id: PredictionId,
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write, .csv, .ndjson or .parquet.")],
    as_json: Json = False,
) -> None:
    """Download the rows, one for each image."""
    with connect() as client:
        path = client.predictions.save(prediction_id, output)
    emit({"file": str(path)}, as_json=as_json, text=str(path))


@app.command()
def rm(prediction_id: PredictionId, as_json: Json = False) -> None:
    """Delete a batch prediction with its rows. A queued or running one is stopped."""
    with connect() as client:
        client.predictions.delete(prediction_id)
    emit({"id": prediction_id, "deleted": True}, as_json=as_json, text=f"deleted {prediction_id}")
