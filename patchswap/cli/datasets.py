"""datasets push, list, show, rm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchswap.cli import bars
from patchswap.cli.output import Json, connect, emit, note, printable, table
from patchswap.errors import ApiError, DatasetUnsuccessful, sentences

if TYPE_CHECKING:
    from patchswap.client import Client
    from patchswap.resources import Dataset, ValidationReport

app = typer.Typer(help="Labelled images.", no_args_is_help=True)
_FINDINGS_SHOWN = 10
_CLASSES_SHOWN = 10


class VisionTask(StrEnum):
    classification = "classification"
    segmentation = "segmentation"
    detection = "detection"


_RECIPES = {  # to start from
    VisionTask.classification: "resnet20_short",
    VisionTask.segmentation: "lraspp",
    VisionTask.detection: "fcos",
}


DatasetName = Annotated[str, typer.Argument(help="ds_... or a name, which means the newest of that name.")]


@app.command()
def push(  # noqa: PLR0913, PLR0917 - one for each option
    path: Annotated[Path, typer.Argument(help="A folder of images, or a zip, tar, tar.gz, npz or parquet.")],
    name: Annotated[str | None, typer.Option(help="Default: the name of the folder or file.")] = None,
    task: Annotated[VisionTask, typer.Option(help="What it is to be read for.")] = VisionTask.classification,
    val: Annotated[float | None, typer.Option(help="Share for validation, where there are no splits yet.")] = None,
    test: Annotated[float | None, typer.Option(help="Share held out for the final figures.")] = None,
    train_per_class: Annotated[int | None, typer.Option(help="Keep so many training images of each class.")] = None,
    split_seed: Annotated[int | None, typer.Option(help="Of the random split.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it is ready to train on.")] = True,
    as_json: Json = False,
) -> None:
    """Upload images and have them checked. The same content is never sent twice.

    classification: CLASS/IMAGE files, or images with a CSV. segmentation: images/ with masks/, VOC or COCO. detection:
    COCO JSON, VOC XML or YOLO text files beside the images.
    """
    asked = {"val": val, "test": test, "train_per_class": train_per_class, "seed": split_seed}
    splits = {key: value for key, value in asked.items() if value is not None}
    with connect() as client:
        with bars.transfer("uploading") as shown:
            dataset = client.datasets.push(
                path, name=name, task=task.value, splits=splits or None, upload_progress=shown
            )
        if not wait:
            emit(dataset, as_json=as_json, text=f"{dataset.id} {dataset.status}")
            return
        with _report_at_failure(client, dataset):
            dataset = dataset.wait()
        report = dataset.validation()
    emit(dataset, as_json=as_json, text=_summary(dataset, report))
    if not as_json:
        recipe = _RECIPES[VisionTask(dataset.task)]
        note(f"train on it: patchswap train --dataset {dataset.name} --recipe {recipe} --watch")


@app.command("list")
def list_datasets(as_json: Json = False) -> None:
    """Every dataset, newest first."""
    with connect() as client:
        found = list(client.datasets.list())
    rows = [(d.id, d.name, d.status, d.created_at) for d in found]
    emit(found, as_json=as_json, text=table(("ID", "NAME", "STATUS", "CREATED"), rows))


@app.command()
def show(dataset: DatasetName, as_json: Json = False) -> None:
    """One dataset with its validation report."""
    with connect() as client:
        found = client.datasets.find(dataset)
        report = None if found.status == "ingesting" else found.validation()
    shown: dict[str, Any] = found.model_dump(mode="json")
    shown["validation"] = report.model_dump(mode="json") if report else None
    text = _summary(found, report) if report else f"{found.id} {found.name}: {found.status}"
    emit(shown, as_json=as_json, text=text)


@app.command()
def rm(dataset: DatasetName, as_json: Json = False) -> None:
    """Delete a dataset that no running job uses."""
    with connect() as client:
        found = client.datasets.find(dataset)
        found.delete()
    emit({"id": found.id, "deleted": True}, as_json=as_json, text=f"deleted {found.id} {found.name}")


@contextmanager
def _report_at_failure(client: Client, dataset: Dataset) -> Iterator[None]:
    try:
        yield
    except DatasetUnsuccessful:
        try:
            report = client.datasets.validation(dataset.id)
            if len(report.findings) > 1:  # the first one is the error itself
                note(_findings(report))
        except ApiError as error:
            note(f"its report cannot be had: {error}")
        raise


def _summary(dataset: Dataset, report: ValidationReport) -> str:
    splits = ", ".join(f"{report.splits[name]} {name}" for name in ("train", "val", "test") if name in report.splits)
    lines = [
        f"{dataset.id} {dataset.name}: {dataset.status}",
        f"{report.accepted} images of {report.classes} classes ({splits}), {report.skipped} skipped",
    ]
    if report.pairability:
        lines.append(f"{report.pairability['share']:.0%} of the training images have a same-class partner")
    if dataset.task != "classification":
        lines.append(_amounts(report, "pixels" if dataset.task == "segmentation" else "boxes"))
    return "\n".join([*lines, *filter(None, [_findings(report)])])


def _amounts(report: ValidationReport, unit: str) -> str:
    """The classes by how much of each there is in the training split, the most first."""
    training = report.amounts.get("train", {})
    most = sorted(training.items(), key=lambda item: -item[1])[:_CLASSES_SHOWN]
    more = f" and {len(training) - len(most)} classes more" if len(training) > len(most) else ""
    return f"{unit} to train on: " + printable(", ".join(f"{name} {amount:,}" for name, amount in most)) + more


def _findings(report: ValidationReport) -> str:
    shown = [f for f in report.findings if f.severity != "info"][:_FINDINGS_SHOWN]
    lines = [f"{f.severity}: {f.path + ': ' if f.path else ''}{sentences(f.message, f.fix)}" for f in shown]
    total = sum(report.counts.values())
    if total > len(shown) and shown:
        lines.append(f"{total} findings in all; `patchswap datasets show --json` lists them")
    return "\n".join(map(printable, lines))
