"""From trained weights to a measured file in a bundle: `run` is the way, the modules beside it are the steps.

Whatever is said of a file was measured on that file, by its own runtime. Nothing here trains but one rung of the
ladder.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from contract.child.messages import Done, Message, Notice, Working
from contract.files import BUNDLE, EXPORT_RESULT
from contract.specs import ExportSpec, ResolvedSpec
from trainer.data.pack import Pack
from trainer.export import ladder, model_files
from trainer.export.bundle import publishing
from trainer.export.measuring import measurement
from trainer.export.order import CPU, Order
from trainer.machine import durable
from trainer.training import weights


def run(
    spec: ResolvedSpec,
    *,
    pack: Pack,
    export: ExportSpec,
    out: Path,
    folder: Path,
    device: torch.device = CPU,
    teacher: Path | None = None,
) -> Iterator[Message]:
    """Write bundle.zip and export.json into `folder`. A gate that failed is a result, with its bundle and figures.

    Reads OUT/main/evaluation.json, which says whose weights are published: OUT/main/model.safetensors or the control's;
    and, if they are there, OUT/main/report.html and OUT/control/evaluation.json.
    Raises TrainerError.
    """
    order = Order(spec, pack.fitted(spec.training.fit, spec.training.tiles), export, out, folder, device, teacher)
    net = order.vision.to_export(weights.load_model(spec, pack.manifest, order.weights_path))
    order.trained()  # asked for at once: without it there is nothing to compare with, half a minute later
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as scratch:
        climbed = None
        if order.climbs:
            climbed = yield from ladder.climb(order, net, Path(scratch))
            folders, found = climbed.folders, climbed.found
        else:
            folders = yield from model_files.make(order, net, Path(scratch))
            found = yield from measurement.measure(order, net, folders)
        yield Working(activity="write bundle", done=0, total=1)
        result = publishing.publish(order, net, folders[0], found, climbed)
    for warning in result.warnings:
        yield Notice(severity="warning", code=warning.code, message=warning.message, data={})
    durable.write(folder / EXPORT_RESULT, result.model_dump_json(indent=2).encode())
    files = {"bundle": BUNDLE, "export": EXPORT_RESULT}
    yield Done(files={name: os.path.relpath(folder / file, out) for name, file in files.items()})
