"""pull, verify, signing-key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchswap import signatures
from patchswap.cli import bars
from patchswap.cli.exports import Device, Format, warn_of
from patchswap.cli.output import Json, connect, emit, note
from patchswap.errors import BadInput

if TYPE_CHECKING:
    from patchswap.client import Client
    from patchswap.resources import Export

Key = Annotated[
    Path | None,
    typer.Option(metavar="KEY.pem", help="Public key that must have signed it. Default: the key of the service."),
]


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
    warn_of(export)
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
