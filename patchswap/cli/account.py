"""login, keys and recipes."""

from __future__ import annotations

import sys
import textwrap
from contextlib import suppress
from typing import Annotated

import typer

from patchswap.cli.output import Json, connect, emit, note, printable, table
from patchswap.errors import BadInput, Forbidden

WIDTH = 48  # of a recipe's description in the list
keys = typer.Typer(help="Create, list and revoke API keys. Needs a key with the scope admin.", no_args_is_help=True)
recipes = typer.Typer(help="List recipes: named starting points of a training.", no_args_is_help=True)


def login(
    url: Annotated[str | None, typer.Option(envvar="PATCHSWAP_URL", help="Address of the service.")] = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="PATCHSWAP_API_KEY",
            help="API key. If you leave it out, you are asked for it, or it is read from stdin. That is safer.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check an address and an API key, and store both for later commands."""
    from patchswap import credentials  # noqa: PLC0415 - quick start
    from patchswap.client import Client  # noqa: PLC0415

    url = url or _ask("address of the service")
    found = credentials.find(url, api_key or _ask("API key", hidden=True))
    with Client(found.url, found.api_key) as client, suppress(Forbidden):  # the key is known, and may not read
        next(client.jobs.list(), None)
    path = credentials.save(found)
    emit({"url": found.url, "file": str(path)}, as_json=as_json, text=f"logged in to {found.url}; kept in {path}")


def _ask(what: str, *, hidden: bool = False) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=hidden, err=True))
    if answer := sys.stdin.readline().strip():
        return answer
    raise BadInput(f"No {what} was given. Use the option, the environment, or write it to stdin.")


@keys.command("list")
def list_keys(as_json: Json = False) -> None:
    """List keys, without their secrets."""
    with connect() as client:
        found = client.keys.list()
    rows = [(k.id, k.name, k.prefix, " ".join(k.scopes), k.created_at, k.expires_at, k.revoked_at) for k in found]
    headings = ("ID", "NAME", "BEGINS", "SCOPES", "CREATED", "EXPIRES", "REVOKED")
    emit(found, as_json=as_json, text=table(headings, rows))


@keys.command("show")
def show_key(key_id: Annotated[str, typer.Argument(help="Key, key_...")], as_json: Json = False) -> None:
    """Show a key without its secret."""
    with connect() as client:
        key = client.keys.get(key_id)
    emit(key, as_json=as_json, text=f"{key.id} {printable(key.name)}: {' '.join(key.scopes)}")


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="Scope: read, write, admin or device. Repeatable. Default: read and write.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a key. It is shown only once."""
    with connect() as client:
        key = client.keys.create(name, scopes=scope or ("read", "write"))
    emit(key, as_json=as_json, text=str(key.api_key))
    if not as_json:
        note(f"{key.id}: this key is not shown again.")


@keys.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="Key, key_...")], as_json: Json = False) -> None:
    """Revoke a key at once."""
    with connect() as client:
        client.keys.revoke(key_id)
    emit({"id": key_id, "revoked": True}, as_json=as_json, text=f"revoked {key_id}")


def me(as_json: Json = False) -> None:
    """Show whose key this is, its scopes, and how much of the quotas is used."""
    with connect() as client:
        found = client.me()
    quotas = found["quotas"]
    rows = [(name.replace("_", " "), one["used"], one["limit"]) for name, one in quotas.items()]
    said = f"{found['tenant_name']} ({found['tenant_id']}), key {found['key_name']}: {' '.join(found['scopes'])}"
    emit(found, as_json=as_json, text=f"{printable(said)}\n{table(('QUOTA', 'USED', 'LIMIT'), rows)}")


def audit(
    limit: Annotated[int, typer.Option(min=1, help="Show the most recent N.")] = 20,
    as_json: Json = False,
) -> None:
    """Show what was changed, and by which key. Needs a key with the scope admin."""
    with connect() as client:
        found = [entry for entry, _ in zip(client.audit(), range(limit), strict=False)]
    rows = [(e.at, e.key_id, e.method, e.path, e.request_id) for e in found]
    emit(found, as_json=as_json, text=table(("AT", "KEY", "METHOD", "PATH", "REQUEST"), rows))


@recipes.command("list")
def list_recipes(as_json: Json = False) -> None:
    """List recipes."""
    with connect() as client:
        found = client.recipes.list()
    rows = [(r.name, _millions(r.parameters), _millions(r.macs), _short(r.description)) for r in found]
    headings = ("NAME", "PARAMETERS, M", "MACS, M", "WHAT")
    emit(found, as_json=as_json, text=table(headings, rows))
    if not as_json:
        note("Without a recipe, the default is chosen by the dataset: patchswap train --dataset NAME --dry-run")


def _millions(number: int | None) -> str:
    return "-" if number is None else f"{number / 1e6:,.1f}"


def _short(description: str) -> str:
    """So much that a line fits into a terminal; `recipes show` has the rest."""
    return textwrap.shorten(description, width=WIDTH, placeholder=" ...")


@recipes.command("show")
def show_recipe(name: Annotated[str, typer.Argument(help="Name of the recipe.")], as_json: Json = False) -> None:
    """Show a recipe and its defaults."""
    import json  # noqa: PLC0415

    with connect() as client:
        recipe = client.recipes.get(name)
    text = f"{recipe.name}: {recipe.description}\n{json.dumps(recipe.spec, indent=2)}"
    emit(recipe, as_json=as_json, text=text)


@recipes.command("schema")
def show_schema(name: Annotated[str, typer.Argument(help="Name of the recipe.")], as_json: Json = False) -> None:
    """Print the JSON Schema of a spec with the defaults of a recipe."""
    import json  # noqa: PLC0415

    with connect() as client:
        schema = client.recipes.schema(name)
    emit(schema, as_json=as_json, text=json.dumps(schema, indent=2))
