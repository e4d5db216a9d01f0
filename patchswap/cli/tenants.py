"""tenants create, list, suspend, resume, operator-key, usage: for whoever runs the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from patchswap.cli.output import Json
from patchswap.cli.usage import Since, Until

app = typer.Typer(help="Manage the tenants of a service that you run.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the tenant.")]
Named = Annotated[str, typer.Argument(help="Name or id of the tenant.")]
DataDir = Annotated[
    Path | None,
    typer.Option(help="Data folder of `patchswap up`. Default: the deployment that the PATCHSWAP_ variables name."),
]


@app.command()
def create(name: Name, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Create a tenant. Its first key is shown only once."""
    _run(data_dir, "create", "--", name, as_json=as_json)


@app.command("list")
def list_tenants(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List tenants with their keys and jobs."""
    _run(data_dir, "list", as_json=as_json)


@app.command()
def suspend(
    name: Named,
    reason: Annotated[str, typer.Option(help="Reason. Shown to everyone who uses a key of this tenant.")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Refuse a tenant's keys. Running jobs save a checkpoint and pause; queued work waits."""
    _run(data_dir, "suspend", f"--reason={reason}", "--", name, as_json=as_json)


@app.command()
def resume(name: Named, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Accept its keys again and continue the jobs that the suspension paused."""
    _run(data_dir, "resume", "--", name, as_json=as_json)


@app.command("operator-key")
def operator_key(
    name: Annotated[str, typer.Option(help="What the key is for.")] = "metrics",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Create a key that reads /metrics and nothing else. It is shown only once."""
    _run(data_dir, "operator-key", f"--name={name}", as_json=as_json)


@app.command()
def usage(
    since: Since = None,
    until: Until = None,
    group: Annotated[
        str, typer.Option(help="Group by tenant, day, project, device: one or more, separated by commas.")
    ] = "tenant,day",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Print what the jobs of all tenants used, as CSV in seconds."""
    days = [f"--{name}={day:%Y-%m-%d}" for name, day in (("from", since), ("to", until)) if day]
    _run(data_dir, "usage", *days, f"--group={group}", as_json=as_json)


def _run(data_dir: Path | None, *arguments: str, as_json: bool) -> None:
    from patchswap.local import extras  # noqa: PLC0415 - a client does without

    extras.require("server", command="patchswap tenants")
    from patchswap.local import tenants  # noqa: PLC0415 - loads what only a service needs

    raise typer.Exit(tenants.run(data_dir, arguments, as_json=as_json))
