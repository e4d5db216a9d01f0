"""The models of an export: the fp32 one, kept in --out for the next export, and the smaller one made from it."""

import hashlib
import shutil
import tempfile
from collections.abc import Generator
from functools import partial
from importlib.metadata import version
from pathlib import Path

from torch import nn

from contract.child.messages import Working
from trainer.export.formats import Source
from trainer.export.inputs import Calibration
from trainer.export.order import Order
from trainer.export.waiting import working_while
from trainer.machine import durable


def make(order: Order, net: nn.Module, scratch: Path) -> Generator[Working, None, list[Path]]:
    """The folder of the model asked for; of one that is not fp32 also, after it, the fp32 one it is compared with.

    Raises TrainerError.
    """
    source, precision = order.source(net), order.export.precision
    fp32, smaller = scratch / "fp32", scratch / precision
    yield from convert(order, source, fp32)
    folders = [fp32]
    if precision != "fp32":
        smaller.mkdir()
        calibration = Calibration.of(order.spec, order.pack)
        quantize = partial(order.format.quantize, source, fp32, smaller, precision=precision, calibration=calibration)
        yield from working_while(f"quantize to {precision}", quantize, steps=calibration.steps)
        folders = [smaller, fp32]
    for folder in folders:
        annotate(order, folder)
    return folders


def annotate(order: Order, folder: Path) -> None:
    order.format.annotate(folder, {"labels": order.pack.manifest.classes, "preprocess": order.preprocessing()})


def files_of(folder: Path) -> dict[str, bytes]:
    """A model's files by their names in a bundle."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in _paths(folder)}


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in _paths(folder))


def convert(order: Order, source: Source, folder: Path) -> Generator[Working, None, None]:
    """Write the fp32 model into a new folder. Raises TrainerError.

    Converting takes 5 to 50 s, so a later export of the same weights takes the files that an earlier one left.
    """
    versions = [f"{package} {version(package)}" for package in order.format.MADE_WITH]
    made_from = f"{order.weights_sha256} {order.spec.model} {order.image_shape} {versions} {source.opset}"
    name = f"fp32-{order.export.format}-{hashlib.sha256(made_from.encode()).hexdigest()[:16]}"
    kept = order.weights_path.parent / name
    if not kept.is_dir():
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=f".{name}-") as made:
            yield from working_while(
                f"convert to {order.format.TITLE}", partial(order.format.convert, source, Path(made))
            )
            _keep(Path(made), kept)
    shutil.copytree(kept, folder)


def _keep(made: Path, kept: Path) -> None:
    """Under its name only once it is whole: by a rename, where nothing is in its place."""
    whole = made / "whole"
    whole.mkdir()
    for path in [path for path in made.iterdir() if path != whole]:
        path.rename(whole / path.name)
    for path in _paths(whole):
        durable.write(path, path.read_bytes())
    whole.rename(kept)
    durable.sync_folder(kept.parent)


def _paths(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
