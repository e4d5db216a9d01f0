"""predict, of image files or of a whole dataset; models predictions."""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchswap.cli.models import ModelOrJob
from patchswap.cli.output import Json, about, connect, emit, note, plain, printable, table
from patchswap.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchswap.client import Client
    from patchswap.resources import JudgedImage, Prediction

BOXES_SHOWN = 10  # of an image, as text


class Sort(StrEnum):
    worst = "worst"
    best = "best"
    sure = "sure"
    unsure = "unsure"
    in_order = "index"


class Split(StrEnum):
    val = "val"
    test = "test"


def predict(  # noqa: PLR0917 - one for each option
    model: ModelOrJob,
    images: Annotated[list[Path] | None, typer.Argument(metavar="[IMAGE...]", help="Image files.")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Predict all images of this dataset instead: NAME, NAME@2, ds_... or dsv_...")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="With --dataset: file to write, .csv, .ndjson or .parquet."),
    ] = None,
    export: Annotated[
        str | None, typer.Option(help="Export to run, exp_... Default: the best int8 file, else fp32.")
    ] = None,
    top: Annotated[
        int | None, typer.Option(help="Labels per image. Default: 5. Not for detection.", min=1, max=1000)
    ] = None,
    *,
    threshold: Annotated[
        float | None, typer.Option(help="Lowest score of a box, for detection. Default: 0.3.", min=0, max=1)
    ] = None,
    as_json: Json = False,
) -> None:
    """Run an exported file on images, or the trained network on a whole dataset. --json prints one line per image."""
    if (dataset is None) == (not images):
        raise BadInput("Give image files, or --dataset and -o FILE.")
    if dataset is not None and (export is not None or top is not None or threshold is not None):
        raise BadInput("--export, --top and --threshold are for image files; --dataset runs the trained network.")
    if (dataset is None) != (output is None):
        raise BadInput("--dataset and -o belong together: `patchswap predict MODEL --dataset NAME -o rows.csv`.")
    with connect() as client:
        if dataset is not None and output is not None:
            _predict_all(client, model, dataset, output, as_json=as_json)
            return
        for path in images or ():
            with about(path):
                found = client.models.predict(model, path, export=export, top=top, threshold=threshold)
            text = printable(f"{path}: {'  '.join(_said(found)) or 'nothing found'}")
            emit({"image": str(path)} | plain(found), as_json=as_json, text=text)


def _predict_all(client: Client, model: str, dataset: str, output: Path, *, as_json: bool) -> None:
    from patchswap.calls import predictions  # noqa: PLC0415 - quick start

    predictions.format_of(output)  # before anything runs
    asked = client.predictions.create(client.models.id_of(model), dataset)
    note(f"{asked.id} is queued. Waiting for the rows. Ctrl-C leaves it running; `patchswap predictions` has it.")
    found = asked.wait()
    found.save(output)
    emit(found, as_json=as_json, text=f"{found.images:,} images predicted: {output}")


def list_predictions(  # noqa: PLR0917 - one for each option
    model: ModelOrJob,
    split: Annotated[Split | None, typer.Option(help="Split. Default: the split that the figures come from.")] = None,
    errors: Annotated[bool | None, typer.Option("--errors/--correct", help="Only wrong or only right images.")] = None,
    shows: Annotated[str | None, typer.Option("--class", help="Only images that show this class.")] = None,
    predicted: Annotated[str | None, typer.Option(help="Only images in which the network names this class.")] = None,
    sort: Annotated[Sort, typer.Option(help="Order: worst, best, sure, unsure or index.")] = Sort.worst,
    limit: Annotated[int, typer.Option(help="Maximum number of images to list.", min=1)] = 20,
    as_json: Json = False,
) -> None:
    """List what the network said of each held-out image, the worst first."""
    with connect() as client:
        found = client.models.predictions(
            model,
            split=split.value if split else None,
            error=errors,
            shows=shows,
            predicted=predicted,
            sort=sort.value,
        )
        listed = list(islice(found, limit))
    emit(listed, as_json=as_json, text=_table(listed) if listed else "No image is like that.")


def _table(listed: list[JudgedImage]) -> str:
    match listed[0].task:
        case "classification":
            headings: tuple[str, ...] = ("SPLIT", "PICTURE", "LABEL", "PREDICTED", "P", "LOSS")
            rows = [(o.split, o.path, o.label, o.predicted, f"{o.probability:.0%}", f"{o.loss:.3f}") for o in listed]
            return table(headings, rows)
        case "segmentation":
            headings = ("SPLIT", "PICTURE", "mIoU", "PIXELS RIGHT", "LOSS")
            return table(headings, [(o.split, o.path, *map(_figure, _of_mask(o))) for o in listed])
        case _:
            headings = ("SPLIT", "PICTURE", "MATCHED", "MISSED", "SPURIOUS")
            return table(headings, [(o.split, o.path, o.matched, o.missed, o.spurious) for o in listed])


def _of_mask(one: JudgedImage) -> tuple[float | None, ...]:
    return one.mean_iou, one.pixel_accuracy, one.loss


def _figure(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _said(found: Prediction) -> Iterator[str]:
    """One piece each of what was found, whatever the task."""
    for guess in found.top:
        yield f"{guess['label']} {guess['probability']:.2%}"
    for covers in found.classes:
        yield f"{covers['label']} on {covers['share']:.2%}"
    for one in found.detections[:BOXES_SHOWN]:
        yield f"{one['label']} {one['score']:.2f} at {', '.join(f'{edge:.0f}' for edge in one['box'])}"
    if (more := len(found.detections) - BOXES_SHOWN) > 0:
        yield f"and {more} more (--json tells all, a higher --threshold fewer)"
