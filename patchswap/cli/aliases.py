"""aliases set, list, show, history, rm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from patchswap.cli.output import Json, connect, emit, size, table
from patchswap.errors import BadInput

if TYPE_CHECKING:
    from patchswap.client import Client
    from patchswap.resources import Alias

app = typer.Typer(help="Name the file that devices download, such as line-3.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Alias, such as line-3 or latest-good.")]
_HEADINGS = ("NAME", "REVISION", "EXPORT", "FORMAT", "PRECISION", "BUNDLE", "MODEL", "CHANGED")


@app.command("set")
def set_alias(  # noqa: PLR0917 - one for each option
    name: Name,
    what: Annotated[
        str,
        typer.Argument(metavar="EXPORT|MODEL|JOB", help="File, exp_..., or the newest good file of a model or job."),
    ],
    precision: Annotated[
        str | None, typer.Option(help="With a model or job: fp32, fp16 or int8. Default: as in `pull`.")
    ] = None,
    format: Annotated[str, typer.Option(help="With a model or job: format of the file.")] = "onnx",  # noqa: A002 - the API's word
    if_revision: Annotated[
        int | None, typer.Option(min=1, help="Set it only if it still has this revision, see `aliases show`.")
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Set it only if there is no alias by this name.")] = False,
    as_json: Json = False,
) -> None:
    """Point an alias at a file."""
    if new and if_revision is not None:
        raise BadInput("Give --new or --if-revision, not both.")
    with connect() as client:
        only_if = None if if_revision is None else _at_revision(client, name, if_revision)
        export_id = what if what.startswith("exp_") else _newest(client, what, precision, format)
        found = client.aliases.set(name, export_id, only_if=only_if, only_new=new)
    emit(found, as_json=as_json, text=_table([found]))


@app.command("list")
def list_aliases(as_json: Json = False) -> None:
    """List aliases, newest first."""
    with connect() as client:
        found = list(client.aliases.list())
    emit(found, as_json=as_json, text=_table(found))


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show what an alias points at."""
    with connect() as client:
        found = client.aliases.get(name)
    emit(found, as_json=as_json, text=_table([found]))


@app.command()
def history(name: Name, as_json: Json = False) -> None:
    """List what an alias pointed at, newest first; also after it was deleted."""
    with connect() as client:
        found = list(client.aliases.history(name))
    rows = [(c.revision, c.export_id or "deleted", c.model_id, c.key_id, c.at) for c in found]
    emit(found, as_json=as_json, text=table(("REVISION", "EXPORT", "MODEL", "BY KEY", "AT"), rows))


@app.command()
def rm(name: Name, as_json: Json = False) -> None:
    """Delete an alias. Its model and file stay."""
    with connect() as client:
        client.aliases.delete(name)
    emit({"name": name, "deleted": True}, as_json=as_json, text=f"deleted {name}")


def _at_revision(client: Client, name: str, revision: int) -> Alias:
    found = client.aliases.get(name)
    if found.revision != revision:
        raise BadInput(f"{name} is at revision {found.revision}, not {revision}. See `patchswap aliases show {name}`.")
    return found


def _newest(client: Client, what: str, precision: str | None, form: str) -> str:
    return client.models.newest_export(what, precision=precision, format=form).id


def _table(found: list[Alias]) -> str:
    rows = [
        (
            a.name,
            a.revision,
            a.export_id,
            a.file["format"],
            a.file["precision"],
            size(a.file["bytes"]),
            a.model_id,
            a.changed_at,
        )
        for a in found
    ]
    return table(_HEADINGS, rows)
