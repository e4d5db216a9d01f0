"""datasets versions, diff, download, rename, rm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchswap.cli import bars
from patchswap.cli.output import Json, connect, emit, note, printable, table
from patchswap.errors import BadInput

if TYPE_CHECKING:
    from patchswap.resources import ChangedImage, Changes, Difference, Occurrence

DatasetName = Annotated[str, typer.Argument(metavar="DATASET", help="NAME, NAME@2, ds_... or dsv_...")]


def add_to(app: typer.Typer) -> None:
    for command in (versions, diff, download, rename, rm):
        app.command()(command)


def versions(dataset: DatasetName, as_json: Json = False) -> None:
    """List the versions of a dataset, newest first, with what changed."""
    with connect() as client:
        found = list(client.datasets.versions(dataset))
    rows = [
        (v.number, v.id, v.status, sum((v.splits or {}).values()) or None, summary(v.changes), v.created_at)
        for v in found
    ]
    headings = ("NUMBER", "ID", "STATUS", "IMAGES", "CHANGES", "CREATED")
    emit(found, as_json=as_json, text=table(headings, rows))


def diff(
    before: Annotated[
        str,
        typer.Argument(
            metavar="BEFORE", help="Version NAME@1 or dsv_... Without AFTER: compared with the one before it."
        ),
    ],
    after: Annotated[str | None, typer.Argument(metavar="[AFTER]", help="NAME@2 or dsv_...")] = None,
    limit: Annotated[int, typer.Option(min=0, max=1000, help="Maximum number of images to list.")] = 20,
    as_json: Json = False,
) -> None:
    """Show how two versions of a dataset differ: images added, removed, relabelled, moved to another split."""
    with connect() as client:
        old, new = (before, after) if after is not None else (None, before)
        found = client.datasets.diff(old, new, limit=limit)
    emit(found, as_json=as_json, text=_text(found))


def download(
    dataset: DatasetName,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write. Default: NAME-NUMBER.zip in this folder.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
    as_json: Json = False,
) -> None:
    """Download the archive of a dataset version as it was pushed, and check its sha256."""
    with connect() as client:
        path = output or Path(Path(client.datasets.version(dataset).archive.file_name).name)
        if path.exists() and not force:
            raise BadInput(f"{path} is there already. Name another file with --output, or pass --force.")
        with bars.transfer("downloading") as shown:
            path = client.datasets.download(dataset, path, progress=shown)
    emit({"file": str(path), "bytes": path.stat().st_size}, as_json=as_json, text=str(path))


def rename(
    dataset: DatasetName,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    as_json: Json = False,
) -> None:
    """Give a dataset another name. Jobs and models keep their dataset."""
    with connect() as client:
        found = client.datasets.rename(dataset, name)
    emit(found, as_json=as_json, text=f"{found.id} {printable(found.name)}")


def rm(
    dataset: DatasetName,
    force: Annotated[
        bool, typer.Option("--force", help="Delete it even if models need it, and cancel jobs that use it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete a dataset, or the one version that NAME@2 or dsv_... names."""
    with connect() as client:
        found = client.datasets.find(dataset)
        one = client.datasets.version(dataset) if dataset.startswith("dsv_") or is_numbered(dataset) else None
        if one is not None:
            client.datasets.delete_version(found.id, one.id, force=force)
        else:
            found.delete(force=force)
    deleted = one.id if one is not None else found.id
    called = f"{found.name}@{one.number}" if one is not None else found.name
    emit({"id": deleted, "deleted": True}, as_json=as_json, text=f"deleted {deleted} {printable(called)}")
    if force and not as_json:
        note("Models that were trained on it stay. New exports of them are refused.")


def is_numbered(dataset: str) -> bool:
    _, _, number = dataset.rpartition("@")
    return "@" in dataset and number.isdecimal()


def summary(changes: Changes | None) -> str | None:
    """One line; None of a first version."""
    if changes is None:
        return None
    counts = {"added": changes.added, "removed": changes.removed, "relabelled": changes.relabelled}
    counts["moved"] = changes.moved
    told = [f"{count:,} {what}" for what, count in counts.items() if count]
    return ", ".join(told) or "no image changed"


def _text(found: Difference) -> str:
    lines = [f"version {found.since} to {found.version}: {summary(found)}; {found.unchanged:,} unchanged"]
    for what, names in (("new", found.classes_added), ("gone", found.classes_removed)):
        if names:
            lines.append(f"{what} classes: {', '.join(map(printable, names))}")
    if found.images:
        rows = [(one.change, *_row(one)) for one in found.images]
        lines.append(table(("CHANGE", "IMAGE", "BEFORE", "AFTER"), rows))
    left = found.added + found.removed + found.relabelled + found.moved - len(found.images)
    if left and found.images:
        lines.append(f"and {left:,} more: --limit {min(1000, left + len(found.images))}")
    return "\n".join(lines)


def _row(one: ChangedImage) -> tuple[str | None, str | None, str | None]:
    shown = one.after or one.before
    return shown.path if shown else None, _where(one.before), _where(one.after)


def _where(one: Occurrence | None) -> str | None:
    return f"{one.class_name or '-'} ({one.split})" if one else None
