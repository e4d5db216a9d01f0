"""Every command by its name. What a command does is in the module of its resource."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchswap.cli import (
    account,
    aliases,
    batch_predictions,
    bundles,
    comparisons,
    console,
    datasets,
    exports,
    jobs,
    models,
    predictions,
    profiles,
    receipts,
    sweeps,
    tenants,
    trackers,
    usage,
    webhooks,
    weights,
)
from patchswap.cli.output import Json, emit

if TYPE_CHECKING:
    from patchswap.credentials import Credentials

app = typer.Typer(
    help="Train a vision model on labelled images and get back a small, measured file.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help starts faster, and reads well in a pipe
)
app.command("login")(account.login)
app.command("login-link")(console.login_link)
app.add_typer(datasets.app, name="datasets")
app.command("train")(jobs.train)
app.add_typer(jobs.app, name="jobs")
for _verb in (jobs.watch, jobs.logs, jobs.cancel, jobs.pause, jobs.resume, jobs.retry):
    app.command(_verb.__name__)(_verb)
    jobs.app.command(_verb.__name__, hidden=True)(_verb)  # where people look for it, too
app.add_typer(comparisons.app, name="compare")
app.add_typer(sweeps.app, name="sweep")
app.command("pull")(bundles.pull)
app.command("profile")(profiles.profile)
app.command("devices")(profiles.devices)
app.command("workers")(profiles.workers)
app.command("worker")(profiles.worker)
app.command("verify")(bundles.verify)
app.command("signing-key")(bundles.signing_key)
app.command("predict")(predictions.predict)
app.command("report")(models.report)
app.command("reproduce")(receipts.reproduce)
app.add_typer(exports.app, name="exports")
app.command("export-run")(trackers.export_run)
app.add_typer(aliases.app, name="aliases")
models.app.command("predictions")(predictions.list_predictions)
app.add_typer(models.app, name="models")
app.add_typer(batch_predictions.app, name="predictions")
app.add_typer(profiles.app, name="profiles")
app.add_typer(weights.app, name="weights")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(tenants.app, name="tenants")
app.command("me")(account.me)
app.command("usage")(usage.usage)
app.command("audit")(account.audit)
app.add_typer(account.keys, name="keys")
app.add_typer(account.recipes, name="recipes")


def _print_version(wanted: bool) -> None:
    if wanted:
        version(as_json=False)
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Labelled images in, a compressed edge model out, by teacher-free self-distillation."""


@app.command()
def up(  # noqa: PLR0917 - one for each option
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of all data. Default: PATCHSWAP_DATA_DIR or ~/.patchswap.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    train_workers: Annotated[
        int, typer.Option(help="Jobs to train side by side. Each needs its own memory.", min=1, max=64)
    ] = 1,
    threads: Annotated[
        int | None,
        typer.Option(help="CPU threads of each job. Default: the cores, divided among the workers.", min=1, max=1024),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the console when ready, if this is a terminal.")] = True,
) -> None:
    """Run the whole service on this machine until Ctrl-C."""
    from patchswap.local import extras  # noqa: PLC0415 - a client does without

    extras.require("up", command="patchswap up")
    from patchswap.local import up as embedded  # noqa: PLC0415 - loads what only a service needs

    ready = _open_console if browser and sys.stdout.isatty() else None
    crew = embedded.Crew(train_workers, threads)
    raise typer.Exit(embedded.run(data_dir or embedded.default_data_dir(), host, port, crew=crew, ready=ready))


def _open_console(known: Credentials) -> None:
    from patchswap.client import Client  # noqa: PLC0415 - quick start

    with Client(known.url, known.api_key) as client:
        console.open_in_browser(client)


@app.command()
def doctor(
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Data folder of `patchswap up`. Default: the deployment that the PATCHSWAP_ variables name."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a deployment and say what to do. Exits with 1 if something is wrong."""
    from patchswap.local import extras  # noqa: PLC0415 - a client does without

    extras.require("server", command="patchswap doctor")
    from patchswap.local import doctor as examination  # noqa: PLC0415 - loads what only a service needs

    raise typer.Exit(examination.run(data_dir, as_json=as_json))


@app.command("browser-runtime")
def browser_runtime(
    package: Annotated[
        Path, typer.Argument(metavar="FILE", help="The .tgz of onnxruntime-web that `npm pack` writes.")
    ],
) -> None:
    """Install onnxruntime-web on the service's machine, for the console's page Try it."""
    from patchswap.local import extras  # noqa: PLC0415 - a client does without

    extras.require("server", command="patchswap browser-runtime")
    from patchswap.local import browser_runtime as runtime  # noqa: PLC0415 - loads what only a service needs

    raise typer.Exit(runtime.install(package))


@app.command()
def version(as_json: Json = False) -> None:
    """Print the version of this client."""
    from patchswap.version import VERSION  # noqa: PLC0415 - reads the package's metadata

    emit({"version": VERSION}, as_json=as_json, text=f"patchswap {VERSION}")
