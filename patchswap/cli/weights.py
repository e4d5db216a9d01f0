"""weights push, fetch, list, show, rm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchswap.cli import bars
from patchswap.cli.output import Json, connect, emit, note, printable, size, table
from patchswap.errors import BadInput

if TYPE_CHECKING:
    from patchswap.resources import Weights

app = typer.Typer(help="List, push and fetch pretrained weights.", no_args_is_help=True)
_SHOWN_NAMES = 5

WeightsName = Annotated[str, typer.Argument(help="Weights: a name (the newest ones of it) or wts_...")]
Wait = Annotated[bool, typer.Option(help="Wait until they are ready to train with.")]


@app.command()
def push(  # noqa: PLR0913, PLR0917 - one for each option
    path: Annotated[Path, typer.Argument(help="A .safetensors, .pth or .pt file.")],
    architecture: Annotated[str, typer.Option(help="Architecture of the weights, such as resnet18.")],
    licence: Annotated[str, typer.Option(help="SPDX identifier such as Apache-2.0, or the licence's name.")],
    source: Annotated[str, typer.Option(help="Source of the weights.")],
    name: Annotated[str | None, typer.Option(help="Display name. Default: the name of the file.")] = None,
    classes: Annotated[Path | None, typer.Option(help="Text file of class names, one per line, in order.")] = None,
    side: Annotated[int, typer.Option("--size", help="Side in pixels of the images it was trained on.")] = 224,
    mean: Annotated[
        str | None, typer.Option(help="Mean per channel, such as 0.5,0.5,0.5. Default: that of ImageNet.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="Standard deviation per channel. Required with --mean.")] = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Upload your own pretrained weights. PyTorch files are converted without running code in them."""
    with connect() as client, bars.transfer("uploading") as shown:
        found = client.weights.push(
            path,
            architecture=architecture,
            licence=licence,
            source=source,
            name=name,
            classes=_lines(classes) if classes else None,
            input=_rule(side, mean, std),
            upload_progress=shown,
        )
    _finish(found, wait=wait, as_json=as_json)


@app.command()
def fetch(
    name: Annotated[
        str,
        typer.Argument(
            help="Name of the weights: resnet18, a name of timm such as resnet18.a1_in1k, or torchvision:resnet18."
        ),
    ],
    architecture: Annotated[str | None, typer.Option(help="Architecture, if it is not clear from the name.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence, if the hub names none.")] = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Download ImageNet weights to this machine and push them. The service itself downloads nothing.

    Needs timm or torchvision. HF_ENDPOINT names another hub.
    """
    with connect() as client, bars.transfer("uploading") as shown:
        found = client.weights.fetch(name, architecture=architecture, licence=licence, upload_progress=shown)
    _finish(found, wait=wait, as_json=as_json)


@app.command("list")
def list_weights(as_json: Json = False) -> None:
    """List built-in weights and your own."""
    with connect() as client:
        found = list(client.weights.list())
    rows = [(w.id, w.name, w.architecture, w.status, size(w.bytes), w.licence) for w in found]
    emit(found, as_json=as_json, text=table(("ID", "NAME", "ARCHITECTURE", "STATUS", "SIZE", "LICENCE"), rows))


@app.command()
def show(weights: WeightsName, as_json: Json = False) -> None:
    """Show source and licence of weights, and how they fit their network."""
    with connect() as client:
        found = client.weights.find(weights)
    emit(found, as_json=as_json, text=_summary(found))


@app.command()
def rm(weights: WeightsName, as_json: Json = False) -> None:
    """Delete weights that no running job needs."""
    with connect() as client:
        found = client.weights.find(weights)
        found.delete()
    emit({"id": found.id, "deleted": True}, as_json=as_json, text=f"deleted {found.id} {printable(found.name)}")


def _finish(found: Weights, *, wait: bool, as_json: bool) -> None:
    if not wait:
        emit(found, as_json=as_json, text=f"{found.id} {found.status}")
        return
    with connect() as client:
        found = client.weights.wait(found.id)
    emit(found, as_json=as_json, text=_summary(found))
    if not as_json:
        model = f"--set model.architecture={found.architecture} --set model.pretrained={found.id}"
        note(f"Train with them: patchswap train --dataset DATASET {model}")


def _summary(found: Weights) -> str:
    shown: list[tuple[str, Any]] = [
        ("architecture", f"{found.architecture}, {found.channels or '?'} channels, {found.stem or '?'} stem"),
        ("classes", found.num_classes),
        (
            "images",
            f"{' x '.join(map(str, found.input['size']))} px, mean {found.input['mean']}, std {found.input['std']}",
        ),
        ("licence", found.licence),
        ("source", found.source),
        ("file", f"{size(found.bytes)}, sha256 {found.sha256 or '-'}"),
    ]
    if found.report is not None:
        fitting = len(found.report.matched) + len(found.report.reshaped)
        shown.append(
            ("tensors", f"{fitting} of {fitting + len(found.report.missing)} of the network, without its head")
        )
        shown += [("missing", _names(found.report.missing)), ("unexpected", _names(found.report.unexpected))]
    if found.error:
        shown.append(("error", found.error.get("message") or found.error.get("remediation")))
    lines = [f"  {name:<13}{printable(str(value))}" for name, value in shown if value not in (None, "")]
    return "\n".join([f"{found.id} {printable(found.name)}: {found.status}", *lines])


def _names(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"Cannot read {path}: {error}.") from error


def _rule(side: int, mean: str | None, std: str | None) -> dict[str, Any] | None:
    if (mean is None) != (std is None):
        raise BadInput("Give --mean and --std together, or neither.")
    if mean is None or std is None:
        if side != 224:
            raise BadInput("Give --mean and --std with --size.")
        return None
    return {"size": [side, side], "mean": _numbers(mean, "--mean"), "std": _numbers(std, "--std")}


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise BadInput(
            f"{option} takes numbers with commas between them, as 0.5,0.5,0.5; you gave {text!r}."
        ) from error
