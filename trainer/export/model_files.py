"""The ONNX files of an export: the fp32 one, kept in --out for the next export, and the int8 one made from it."""

import hashlib
import shutil
from collections.abc import Generator
from functools import partial
from math import ceil
from pathlib import Path

import onnx
import torch
from torch import nn

from core.progress import Working
from trainer import durable
from trainer.export import conversion, heldout, quantization
from trainer.export.task import Task
from trainer.export.waiting import working_while


def make(task: Task, net: nn.Module, scratch: Path) -> Generator[Working, None, list[Path]]:
    """The file asked for; for an int8 file also, after it, the fp32 one it is compared with. Raises TrainerError."""
    fp32, int8 = scratch / "fp32.onnx", scratch / "int8.onnx"
    yield from _convert(task, net, fp32)
    paths = [fp32]
    if task.export.precision == "int8":
        calibration = _calibration(task)
        quantize = partial(quantization.quantize, fp32, int8, calibration)
        yield from working_while("quantize to int8", quantize, steps=calibration.steps)
        paths = [int8, fp32]
    for path in paths:
        conversion.set_metadata(path, {"labels": task.pack.manifest.classes, "preprocess": task.preprocessing()})
    return paths


def _convert(task: Task, net: nn.Module, path: Path) -> Generator[Working, None, None]:
    """Converting takes 5 to 25 s, so a later export of the same weights takes the file that an earlier one left."""
    made_from = f"{task.weights_sha256} {task.spec.model} {task.image_shape} {torch.__version__} {onnx.__version__}"
    kept = task.out / "main" / f"fp32-{hashlib.sha256(made_from.encode()).hexdigest()[:16]}.onnx"
    if not kept.is_file():
        convert = partial(conversion.convert, net, image_shape=task.image_shape, path=path)
        yield from working_while("convert to ONNX", convert)
        durable.write(kept, path.read_bytes())
    shutil.copyfile(kept, path)


def _calibration(task: Task) -> quantization.Calibration:
    rows = heldout.calibration_rows(task.pack)
    size = heldout.CALIBRATION_BATCH_SIZE
    return quantization.Calibration(heldout.batches(task.spec, task.pack, rows, size=size), ceil(len(rows) / size))
