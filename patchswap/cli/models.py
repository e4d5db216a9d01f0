"""models, exports, pull, report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from patchswap import signatures
from patchswap.cli import bars, candidates, pareto
from patchswap.cli.output import Json, accuracy_of, connect, emit, note, size, table
from patchswap.errors import BadInput

if TYPE_CHECKING:
    from patchswap.client import Client
    from patchswap.resources import Export


class _ExportsOf(TyperGroup):
    """`exports MODEL` is `exports list MODEL`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["list", *args] if args and args[0].startswith(("model_", "job_")) else args)


class Cost(StrEnum):
    bytes = "bytes"
    latency = "latency_ms"


app = typer.Typer(help="List models and inspect them.", no_args_is_help=True)
exports = typer.Typer(
    help="List, create and compare files of a model. `exports MODEL` lists them.", no_args_is_help=True, cls=_ExportsOf
)
ModelOrJob = Annotated[str, typer.Argument(metavar="MODEL|JOB", help="Model or job: model_... or job_...")]
ModelId = Annotated[str, typer.Argument(metavar="MODEL", help="Model, model_...")]
Device = Annotated[str | None, typer.Option(help="Use the figures measured on this device; see `patchswap devices`.")]
Key = Annotated[
    Path | None,
    typer.Option(
        metavar="KEY.pem", help="Public key that must have signed the bundle. Default: the key of the service."
    ),
]
Precision = Annotated[str, typer.Option(help="Precision: fp32, fp16 or int8.")]
Format = Annotated[str, typer.Option(help="File format, one of `patchswap exports formats`.")]


def pull(  # noqa: PLR0913, PLR0917 - one for each option
    what: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|JOB|EXPORT|@ALIAS", help="Model, job, export or alias: model_..., job_..., exp_... or @NAME"
        ),
    ],
    to: Annotated[Path | None, typer.Option(help="Folder to create. Default: named after model and precision.")] = None,
    precision: Annotated[
        str | None, typer.Option(help="fp32, fp16 or int8. Default: fp32, or the only one available.")
    ] = None,
    format: Format = "onnx",  # noqa: A002 - the API's word
    smallest: Annotated[bool, typer.Option("--smallest", help="Choose the smallest file of any precision.")] = False,
    fastest: Annotated[
        bool, typer.Option("--fastest", help="Choose the file with the lowest measured latency.")
    ] = False,
    max_drop: Annotated[
        float | None, typer.Option(help="With --smallest or --fastest: accuracy it may lose, in percentage points.")
    ] = None,
    device: Device = None,
    key: Key = None,
    weights: Annotated[
        bool, typer.Option("--weights", help="Download the trained float weights (safetensors) in place of a bundle.")
    ] = False,
    force: Annotated[bool, typer.Option(help="Replace an earlier bundle in that folder.")] = False,
    as_json: Json = False,
) -> None:
    """Download a bundle, check its sha256 and signature, and unpack it."""
    if weights:
        _pull_weights(what, to, replace=force, as_json=as_json)
        return
    with connect() as client, bars.transfer("loading") as shown:
        if smallest or fastest or max_drop is not None or device is not None:
            wanted = _Choice(smallest=smallest, fastest=fastest, max_drop=max_drop, device=device)
            export = _chosen(client, what, wanted)
        elif what.startswith("exp_"):
            export = client.exports.get(what)
        elif what.startswith("@"):
            export = client.aliases.get(what.removeprefix("@")).export()
        else:
            export = client.models.newest_export(what, precision=precision, format=format)
        to = to or Path(_folder_name(export))
        folder = client.exports.pull(export, to, replace=force, key=_read(key), progress=shown)
    emit({"export": export.id, "folder": str(folder)}, as_json=as_json, text=str(folder))
    _warn(export)
    if not as_json:
        note(f"Check it: python {folder}/verify.py    use it: python {folder}/infer.py IMAGE")


def _pull_weights(what: str, to: Path | None, *, replace: bool, as_json: bool) -> None:
    with connect() as client, bars.transfer("loading") as shown:
        if what.startswith("@"):
            what = client.aliases.get(what.removeprefix("@")).model_id
        path = client.models.pull_weights(what, to or Path(f"{what}-weights"), replace=replace, progress=shown)
    emit({"file": str(path)}, as_json=as_json, text=str(path))
    if not as_json:
        note(f"The model card has the lines that open it in torch: patchswap models show {what}")


def _folder_name(export: Export) -> str:
    parts = [export.model_id, *([] if export.format == "onnx" else [export.format]), export.precision]
    return "-".join(parts)


@dataclass(frozen=True)
class _Choice:
    smallest: bool
    fastest: bool
    max_drop: float | None
    device: str | None


def _chosen(client: Client, what: str, wanted: _Choice) -> Export:
    if wanted.smallest == wanted.fastest:
        raise BadInput("Give --smallest or --fastest. --max-drop and --device only limit that choice.")
    if what.startswith(("exp_", "@")):
        raise BadInput(
            f"{what} is one file. To choose among the files of a model, give the id of the model or of its job."
        )
    found = client.models.pareto(what, device=wanted.device)
    choose = found.smallest if wanted.smallest else found.fastest
    point = choose(max_drop=wanted.max_drop)
    for remark in found.notes if wanted.fastest else ():
        note(remark)
    return client.exports.get(point.export_id)


def verify(
    folder: Annotated[Path, typer.Argument(help="Folder of an unpacked bundle.")],
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Check the signature and every hash of a bundle, independently of its own verify.py."""
    pem = _read(key)
    if pem is None:
        with connect() as client:
            own = client.exports.signing_key()
        if own is None:
            raise BadInput(
                "This service does not sign bundles, so there is no key to check with. Run the bundle's verify.py."
            )
        pem = own.pem
    key_id = signatures.check_folder(folder, pem)
    emit({"folder": str(folder), "key_id": key_id}, as_json=as_json, text=f"{folder} is as signed by key {key_id}")


def signing_key(as_json: Json = False) -> None:
    """Print the public key (PEM) that the service signs bundles with. Keep it for --key."""
    with connect() as client:
        found = client.exports.signing_key()
    if found is None:
        raise BadInput("This service does not sign bundles; its operator can set PATCHSWAP_SIGNING_KEY_FILE.")
    emit(found, as_json=as_json, text=found.pem.strip())


def _read(key: Path | None) -> str | None:
    try:
        return None if key is None else key.read_text()
    except UnicodeDecodeError as error:
        raise BadInput(f"{key} is not a public key in PEM.") from error


def report(
    what: Annotated[str, typer.Argument(metavar="JOB|MODEL", help="Job or model: job_... or model_...")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write. Default: report.html.")] = None,
    as_json: Json = False,
) -> None:
    """Download the report of a training: one HTML file."""
    with connect() as client:
        path = client.models.report(what, output or Path("report.html"))
    emit({"file": str(path)}, as_json=as_json, text=str(path))


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List models, newest first."""
    with connect() as client:
        found = list(client.models.list())
    rows = [
        (m.id, m.name, m.architecture, m.method, m.headline and accuracy_of({m.headline.metric: m.headline.value}))
        for m in found
    ]
    emit(found, as_json=as_json, text=table(("ID", "NAME", "ARCHITECTURE", "METHOD", "ACCURACY"), rows))


@app.command("show")
def show_model(model_id: ModelId, as_json: Json = False) -> None:
    """Show the card of a model."""
    with connect() as client:
        model = client.models.get(model_id)
        card = "" if as_json else client.models.card(model_id)
    emit(model, as_json=as_json, text=card.strip())


@app.command("suspects")
def list_suspects(
    model: ModelOrJob,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write a page with the pictures to this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List labels that a classifier contradicts, the most suspect first. Look before you change one."""
    with connect() as client:
        found = client.models.suspects(model)
        if output is not None:
            from patchswap.pages import suspects  # noqa: PLC0415 - only this option needs it

            output.write_text(suspects.page(client.datasets, found), encoding="utf-8")
            note(str(output))
    looked = ", ".join(f"{count:,} {split}" for split, count in found.images.items())
    counts = f"{found.found['held_out']:,} held-out and {found.found['train']:,} training labels are suspect"
    rows = [
        (one.split, one.path, one.label, one.suggested, f"{one.suggested_probability:.0%}")
        for one in (*found.held_out, *found.train)
    ]
    listed = table(("SPLIT", "PICTURE", "LABEL", "PERHAPS", "P"), rows) if rows else ""
    emit(found, as_json=as_json, text="\n\n".join(filter(None, [f"{counts}; looked at {looked} images", listed])))


@exports.command("list")
def list_exports(model: ModelOrJob, device: Device = None, as_json: Json = False) -> None:
    """List the files of a model, smallest first. * marks files that no other beats, ~ an estimate."""
    with connect() as client:
        found = client.models.pareto(model, device=device)
        whole = client.models.exports(found.model_id)
    tables = [pareto.as_table(found), *(candidates.as_table(export) for export in whole)]
    emit(list(whole), as_json=as_json, text="\n\n".join(filter(None, tables)))
    for remark in found.notes:
        note(remark)


@exports.command("pareto")
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


@exports.command("create")
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
        list[str] | None, typer.Option(help="For int8 with limits: try only these of int8, mixed, fp16. Repeatable.")
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
    _warn(export)
    if export.status == "gate_failed":
        note("\n".join(export.violations))
        raise typer.Exit(1)


@exports.command("formats")
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


@exports.command("show")
def show_export(
    export_id: Annotated[str, typer.Argument(metavar="EXPORT", help="Export, exp_...")], as_json: Json = False
) -> None:
    """Show a file, and what was tried for it."""
    with connect() as client:
        export = client.exports.get(export_id)
    emit(export, as_json=as_json, text=_described(export))
    _warn(export)


def _warn(export: Export) -> None:
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
