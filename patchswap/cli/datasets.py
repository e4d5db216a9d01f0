"""datasets push, list, show, look; the others are in `dataset_versions`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchswap.cli import bars, dataset_report, dataset_versions, plans, reading
from patchswap.cli.dataset_versions import DatasetName
from patchswap.cli.output import Json, connect, emit, note, printable, table
from patchswap.errors import ApiError, DatasetUnsuccessful, PatchswapError

if TYPE_CHECKING:
    from patchswap.client import Client
    from patchswap.resources import Dataset, DatasetVersion, ValidationReport

app = typer.Typer(help="Push, inspect and delete labelled images.", no_args_is_help=True)
dataset_versions.add_to(app)


class VisionTask(StrEnum):
    classification = "classification"
    segmentation = "segmentation"
    detection = "detection"


class Unlabelled(StrEnum):
    auto = "auto"
    skip = "skip"
    background = "background"
    refuse = "refuse"


@app.command()
def push(  # noqa: PLR0913, PLR0917 - one for each option
    path: Annotated[Path, typer.Argument(help="A folder of images, or a zip, tar, tar.gz, npz or parquet.")],
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the dataset; one that exists gets a new version. Default: the name of the folder or file."
        ),
    ] = None,
    task: Annotated[
        VisionTask | None,
        typer.Option(
            help="Vision task, for labels, masks or boxes. Default: that of the dataset, else classification."
        ),
    ] = None,
    val: Annotated[float | None, typer.Option(help="Share of images for validation, if they have no splits.")] = None,
    test: Annotated[float | None, typer.Option(help="Share of images for testing, if they have no splits.")] = None,
    train_per_class: Annotated[int | None, typer.Option(help="Training images to keep per class.")] = None,
    split_seed: Annotated[int | None, typer.Option(help="Seed of the random split.")] = None,
    classes_at: Annotated[
        str | None, typer.Option(help="Class folders: depth (1 = top), 1-2 for both, or glob.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Glob of files or folders to leave out. Repeatable.")] = None,
    labels_from: Annotated[
        str | None,
        typer.Option(help="Where labels are: `folders`, `file_names`, or TABLE or TABLE:COLUMN in the archive."),
    ] = None,
    maps: Annotated[
        list[str] | None, typer.Option("--map", help='Rename classes or mask values: "cat,kitten=cat", 255=1.')
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(help="Class to leave out. Repeatable.")] = None,
    labelmap: Annotated[Path | None, typer.Option(help="File of classes with mask colours or values.")] = None,
    masks: Annotated[str | None, typer.Option(help="Folder of the masks in the archive.")] = None,
    unlabelled: Annotated[Unlabelled | None, typer.Option(help="How to treat images without annotation.")] = None,
    instances_as: Annotated[str | None, typer.Option(help="Class of masks that number objects.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check on this machine; send nothing.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it is ready to train on.")] = True,
    as_json: Json = False,
) -> None:
    """Check and upload labelled images, as a new dataset, or as the next version if the name exists.

    The same content is never sent twice, and makes no second version.

    classification: CLASS/IMAGE files, or images with a table of labels. segmentation: images/ with masks/, VOC or COCO.
    detection: COCO JSON, VOC XML or YOLO text files beside the images. docs/datasets.md shows every layout.
    """
    asked = {"val": val, "test": test, "train_per_class": train_per_class, "seed": split_seed}
    splits = {key: value for key, value in asked.items() if value is not None} or None
    how = reading.options(
        classes_at=classes_at,
        ignore=ignore or (),
        labels_from=labels_from,
        maps=maps or (),
        drop=drop or (),
        labelmap=labelmap,
        masks=masks,
        unlabelled=unlabelled.value if unlabelled else None,
        instances_as=instances_as,
    )
    if dry_run:
        _check(path, task or VisionTask.classification, splits=splits, how=how, as_json=as_json)
        return
    with connect() as client:
        with bars.transfer("uploading") as shown:
            dataset = client.datasets.push(
                path, name=name, task=task.value if task else None, splits=splits, reading=how, upload_progress=shown
            )
        unchanged = dataset.newest_version is not None and dataset.newest_version.status == "ready"
        pushed = dataset.newest_version.id if dataset.newest_version else "latest"
        if not wait:
            emit(dataset, as_json=as_json, text=f"{dataset.id} {'ready' if unchanged else 'ingesting'}")
            return
        with _report_at_failure(client, dataset, pushed):
            dataset = dataset.wait()
        report = client.datasets.validation(dataset.id, pushed)
        version = client.datasets.version(dataset.id, pushed)
    emit(dataset, as_json=as_json, text=_summary(dataset, report))
    if not as_json:
        note(_told(dataset.name, version, unchanged=unchanged))
        with connect() as client:
            plans.announce(client, {"dataset": dataset.id})
        note(f"Train on it: patchswap train --dataset {shlex.quote(dataset.name)} --watch")


def _check(path: Path, task: VisionTask, *, splits: dict[str, Any] | None, how: dict[str, Any], as_json: bool) -> None:
    """The report of a dry run; exit status 1 where a push would be refused."""
    from patchswap.local import dry_run  # noqa: PLC0415 - only this option needs it

    report = dry_run.check(path, task=task.value, splits=splits, reading=how)
    told = dataset_report.text(report, task=task.value, name="")
    verdict = "a push would be refused" if report.status != "ready" else "a push would be ready to train on"
    emit(report, as_json=as_json, text=f"dry run of {printable(str(path))}: {verdict}\n{told}")
    if report.status != "ready":
        raise typer.Exit(1)


@app.command("list")
def list_datasets(as_json: Json = False) -> None:
    """List datasets, newest first."""
    with connect() as client:
        found = list(client.datasets.list())
    rows = [(d.id, d.name, d.newest_version and d.newest_version.number, d.status, d.created_at) for d in found]
    emit(found, as_json=as_json, text=table(("ID", "NAME", "VERSION", "STATUS", "CREATED"), rows))


@app.command()
def show(dataset: DatasetName, as_json: Json = False) -> None:
    """Show a dataset, or one version of it, with its validation report."""
    with connect() as client:
        found = client.datasets.find(dataset)
        report = None if found.status == "ingesting" else client.datasets.validation(dataset)
    newest = found.newest_version
    shown: dict[str, Any] = found.model_dump(mode="json")
    shown["validation"] = report.model_dump(mode="json") if report else None
    text = _summary(found, report) if report else f"{found.id} {found.name}: {found.status}"
    emit(shown, as_json=as_json, text=text)
    if newest is not None and newest.status != "ready" and not as_json:
        note(f"Version {newest.number} is {newest.status}: patchswap datasets versions {shlex.quote(found.name)}")


@app.command()
def look(
    dataset: DatasetName,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write. Default: NAME.html.")] = None,
    as_json: Json = False,
) -> None:
    """Write an offline HTML page of a dataset: pictures, near-duplicates, findings, sizes."""
    from patchswap.pages import dataset as pages  # noqa: PLC0415 - only this command needs it

    with connect() as client:
        found = client.datasets.find(dataset)
        content = pages.page(pages.collect(client.datasets, found, dataset))
    path = output or Path(f"{_file_name(found.name)}.html")
    path.write_text(content, encoding="utf-8")
    emit({"file": str(path), "bytes": path.stat().st_size}, as_json=as_json, text=str(path))


def _file_name(name: str) -> str:
    """A dataset's name as a file name of any system."""
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:80] or "dataset"


@contextmanager
def _report_at_failure(client: Client, dataset: Dataset, version: str) -> Iterator[None]:
    try:
        yield
    except DatasetUnsuccessful as error:
        try:
            report = client.datasets.validation(dataset.id, version)
            others = report.model_copy(update={"findings": report.findings[1:]})  # the first is the error itself
            if others.findings:
                note(dataset_report.findings(others, shlex.quote(dataset.name)))
        except ApiError as missing:
            note(f"Its report is not available: {missing}.")
        raise PatchswapError(reading.as_typed(str(error))) from error


def _told(name: str, version: DatasetVersion, *, unchanged: bool) -> str:
    called = f"{printable(name)}@{version.number}"
    if unchanged:
        return f"nothing was added: these bytes are {called}"
    changed = version.changes
    since = f", since {printable(name)}@{changed.since}" if changed else ""
    return f"this is {called}: {dataset_versions.summary(changed) or 'the first version'}{since}"


def _summary(dataset: Dataset, report: ValidationReport) -> str:
    told = dataset_report.text(report, task=dataset.task, name=shlex.quote(dataset.name))
    return f"{dataset.id} {printable(dataset.name)}: {dataset.status}\n{told}"
