"""exports."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from patchswap.cli import candidates, pareto
from patchswap.cli.models import ModelId, ModelOrJob
from patchswap.cli.output import Json, accuracy_of, connect, emit, note, size, table

if TYPE_CHECKING:
    from patchswap.resources import Export


class _ExportsOf(TyperGroup):
    """`exports MODEL` is `exports list MODEL`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["list", *args] if args and args[0].startswith(("model_", "job_")) else args)


class Cost(StrEnum):
    bytes = "bytes"
    latency = "latency_ms"


app = typer.Typer(
    help="List, create and compare files of a model. `exports MODEL` lists them.", no_args_is_help=True, cls=_ExportsOf
)
Device = Annotated[str | None, typer.Option(help="Use the figures measured on this device; see `patchswap devices`.")]
Precision = Annotated[str, typer.Option(help="Precision: fp32, fp16 or int8.")]
Format = Annotated[str, typer.Option(help="File format, one of `patchswap exports formats`.")]


@app.command("list")
def list_exports(model: ModelOrJob, device: Device = None, as_json: Json = False) -> None:
    """List the files of a model, smallest first. * marks files that no other beats, ~ an estimate."""
    with connect() as client:
        found = client.models.pareto(model, device=device)
        whole = client.models.exports(found.model_id)
    tables = [pareto.as_table(found), *(candidates.as_table(export) for export in whole)]
    emit(list(whole), as_json=as_json, text="\n\n".join(filter(None, tables)))
    for remark in found.notes:
        note(remark)


@app.command("pareto")
def show_pareto(
    model: ModelOrJob,
    against: Annotated[Cost, typer.Option(help="Axis: bytes or latency_ms.")] = Cost.bytes,
    device: Device = None,
    png: Annotated[Path | None, typer.Option(help="Also write a plot as PNG.")] = None,
    as_json: Json = False,
) -> None:
    """Plot the files of a model: accuracy against bytes or latency."""
    with connect() as client:
        found = client.models.pareto(model, device=device)
        if png is not None:
            note(str(client.models.save_pareto(found.model_id, png, device=device)))
    emit(found, as_json=as_json, text=pareto.as_plot(found, against.value))
    for remark in found.notes:
        note(remark)


@app.command("create")
def create_export(  # noqa: PLR0913, PLR0917 - one for each option
    model_id: ModelId,
    precision: Precision = "fp32",
    format: Format = "onnx",  # noqa: A002 - the API's word
    max_drop_points: Annotated[float | None, typer.Option(help="Accuracy it may lose, in percentage points.")] = None,
    max_bytes: Annotated[int | None, typer.Option(help="Limit on the bytes of the model file.")] = None,
    max_latency_ms: Annotated[
        float | None, typer.Option(help="Limit on the median latency in ms, one thread, one image.")
    ] = None,
    rung: Annotated[
        list[str] | None,
        typer.Option(help="For int8 with limits: kind of file to try: int8, mixed or fp16. Repeatable."),
    ] = None,
    opset: Annotated[
        int | None, typer.Option(help="Opset of an ONNX file, 18 to 21. Default: 18, which most runtimes open.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Export another file of a model and wait until it is measured. Exits with 1 if it exceeds a limit."""
    limits = {"max_drop_points": max_drop_points, "max_bytes": max_bytes, "max_latency_ms": max_latency_ms}
    with connect() as client:
        asked = client.models.export(
            model_id, precision=precision, format=format, constraints=limits, rungs=rung, opset=opset
        )
        export = asked.wait()
    emit(export, as_json=as_json, text=_described(export))
    warn_of(export)
    if export.status == "gate_failed":
        note("\n".join(export.violations))
        raise typer.Exit(1)


@app.command("formats")
def list_formats(as_json: Json = False) -> None:
    """List file formats, and what to install for those that the workers cannot write."""
    with connect() as client:
        found = client.exports.formats()
    rows = []
    for one in found:
        versions = ", ".join(f"{name} {version}" for name, version in one.versions.items() if version)
        needs = one.install if one.status == "missing_dependency" else versions
        rows.append((one.name, one.status, " ".join(one.precisions), one.files, needs))
    emit(found, as_json=as_json, text=table(("FORMAT", "STATUS", "PRECISIONS", "FILES", "BY, OR INSTALL"), rows))


@app.command("show")
def show_export(
    export_id: Annotated[str, typer.Argument(metavar="EXPORT", help="Export, exp_...")], as_json: Json = False
) -> None:
    """Show a file, and what was tried for it."""
    with connect() as client:
        export = client.exports.get(export_id)
    emit(export, as_json=as_json, text=_described(export))
    warn_of(export)


def warn_of(export: Export) -> None:
    """Its warnings, on standard error."""
    for warning in export.warnings:
        note(f"Warning: {warning['message']}")


def _described(export: Export) -> str:
    return "\n\n".join(filter(None, (_table([export]), candidates.as_table(export))))


def _table(found: list[Export] | tuple[Export, ...]) -> str:
    rows = []
    for export in found:
        measured = export.measured or {}
        latency = measured.get("latency_ms_p50")
        rows.append(
            (
                export.id,
                f"{export.format} {export.precision}",
                export.status,
                size(measured.get("model_bytes")),
                accuracy_of(measured),
                None if latency is None else f"{latency:.3f}",
            )
        )
    return table(("ID", "FORMAT", "STATUS", "FILE", "ACCURACY", "MS"), rows)
