"""profile, profiles list and show, devices, workers, worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from patchswap.cli.output import Json, connect, emit, table

if TYPE_CHECKING:
    from patchswap.resources import Profile

app = typer.Typer(help="List and show files measured on devices.", no_args_is_help=True)


def profile(
    export_id: Annotated[str, typer.Argument(metavar="EXPORT", help="Export, exp_...")],
    device: Annotated[
        str | None, typer.Option(help="Name of a device of `patchswap devices`. Default: any worker.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it is measured.")] = True,
    as_json: Json = False,
) -> None:
    """Measure an exported file again on a device: accuracy, latency, memory."""
    with connect() as client:
        found = client.profiles.create(export_id, device=device)
        if wait:
            found = found.wait()
    emit(found, as_json=as_json, text=_table([found]))


@app.command("list")
def list_profiles(
    model: Annotated[str | None, typer.Option(help="Only those of one model, model_...")] = None,
    as_json: Json = False,
) -> None:
    """List measurements on devices, newest first."""
    with connect() as client:
        found = list(client.profiles.list(model))
    emit(found, as_json=as_json, text=_table(found))


@app.command("show")
def show_profile(
    profile_id: Annotated[str, typer.Argument(metavar="PROFILE", help="Measurement, prf_...")], as_json: Json = False
) -> None:
    """Show a measurement."""
    with connect() as client:
        found = client.profiles.get(profile_id)
    emit(found, as_json=as_json, text=_table([found]))


def devices(as_json: Json = False) -> None:
    """List devices that measure files, and which are connected."""
    with connect() as client:
        found = client.profiles.devices()
    rows = [(one.name, "online" if one.online else "silent", one.worker, one.last_seen_at) for one in found]
    emit(list(found), as_json=as_json, text=table(("NAME", "STATUS", "HOST", "LAST SEEN"), rows))


def workers(as_json: Json = False) -> None:
    """List workers of the service, with their queues and hardware. Without a worker of train, jobs wait."""
    with connect() as client:
        found = client.workers()
    states = {True: "online", False: "silent"}
    rows = [(one.queue, states[one.online], one.device, one.release, one.last_seen_at) for one in found]
    headings = ("QUEUE", "STATUS", "DEVICE", "RELEASE", "LAST SEEN")
    emit(list(found), as_json=as_json, text=table(headings, rows))


def worker(
    device: Annotated[str, typer.Option(help="Name of this machine, such as raspberry-pi-5.")],
) -> None:
    """Measure exported files on this machine under a name, until Ctrl-C. Needs a key with the scope device."""
    from patchswap.local import extras  # noqa: PLC0415 - quick start

    extras.require("device", command="patchswap worker")
    from patchswap.device import worker as measuring  # noqa: PLC0415 - quick start

    measuring.run(device)


def _table(found: list[Profile]) -> str:
    rows = []
    for one in found:
        measured = one.measured or {}
        latency = measured.get("latency_ms_p50")
        shown = None if latency is None else f"{latency:.3f}"
        rows.append((one.id, one.export_id, one.device, one.status, shown, measured.get("cpu")))
    return table(("ID", "EXPORT", "DEVICE", "STATUS", "MS", "PROCESSOR"), rows)
