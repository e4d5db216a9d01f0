"""From trained weights to a measured file in a bundle: `run` is the way, the modules beside it are the steps.

Everything that is said of a file was measured on the file, by onnxruntime. Nothing here trains.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch
from torch import nn

from core.progress import Done, Message, Working
from core.spec import Evaluation, ExportResult, ExportSpec, ResolvedSpec
from trainer import durable, models, weights
from trainer.export import bundle, card, conversion, figures, gate, heldout, measurement, quantization
from trainer.export.failures import evaluation_missing, export_failed
from trainer.export.golden import Golden
from trainer.export.heldout import HeldOut
from trainer.export.waiting import working_while
from trainer.pack import Pack

_MAX_CONVERSION_ERROR = 1e-3  # share of the logits' deviation; 1e-6 is usual
Steps = Generator[Working, None, Any]


@dataclass(frozen=True)
class Task:
    """One file to make, and all it is made from."""

    spec: ResolvedSpec
    pack: Pack
    export: ExportSpec
    out: Path  # main/model.safetensors and main/evaluation.json; control/evaluation.json where there is one
    folder: Path  # receives bundle.zip and export.json

    @property
    def weights(self) -> Path:
        return self.out / "main" / weights.FILE_NAME

    @property
    def held_out(self) -> HeldOut:
        return HeldOut(self.spec, self.pack)


def run(spec: ResolvedSpec, *, pack: Pack, export: ExportSpec, out: Path, folder: Path) -> Iterator[Message]:
    """Write bundle.zip and export.json into `folder`. A failed gate is a result, and its bundle is written too.

    Raises TrainerError.
    """
    task = Task(spec, pack, export, out, folder)
    net = weights.load_model(spec, pack.manifest, task.weights)
    trained, control = _evaluation(task, "main"), _evaluation(task, "control")
    if trained is None:
        raise evaluation_missing(str(out / "main" / "evaluation.json"))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as scratch:
        paths = yield from _make(task, net, Path(scratch))
        measured, golden = yield from _measure(task, net, paths, trained)
        violations = gate.violations(export.constraints, measured)
        facts = card.Facts(spec, pack.manifest, export, trained, control, measured, violations)
        yield Working(activity="write bundle", done=0, total=1)
        result = _publish(task, facts, golden, paths[0])
    durable.write(folder / "export.json", result.model_dump_json(indent=2).encode())
    yield Done(files={name: os.path.relpath(folder / file, out) for name, file in _FILES.items()})


_FILES = {"bundle": "bundle.zip", "export": "export.json"}


def _make(task: Task, net: nn.Module, scratch: Path) -> Steps:
    """The file asked for, and after it, for an int8 file, the fp32 one it is compared with."""
    fp32 = scratch / "fp32.onnx"
    yield from _convert(task, net, fp32)
    paths = [fp32]
    if task.export.precision == "int8":
        int8 = scratch / "int8.onnx"
        rows = heldout.calibration_rows(task.pack)
        size = heldout.CALIBRATION_BATCH_SIZE
        batches = heldout.batches(task.spec, task.pack, rows, size=size)
        calibration = quantization.Calibration(batches, -(-len(rows) // size))
        quantize = lambda: quantization.quantize(fp32, int8, calibration)  # noqa: E731
        yield from working_while("quantize to int8", quantize, steps=calibration.steps)
        paths = [int8, fp32]
    metadata = {"labels": task.pack.manifest.classes, "preprocess": preprocessing(task)}
    for path in paths:
        conversion.set_metadata(path, metadata)
    return paths


def _convert(task: Task, net: nn.Module, path: Path) -> Steps:
    """The fp32 file; taken from --out where an earlier export of these weights left it, for it takes 5 to 25 s."""
    shape = (task.pack.manifest.channels, task.spec.height, task.spec.width)
    key = f"{_sha256(task.weights)} {task.spec.model} {shape} {torch.__version__} {onnx.__version__}"
    kept = task.out / "main" / f"fp32-{hashlib.sha256(key.encode()).hexdigest()[:16]}.onnx"
    if not kept.is_file():
        convert = lambda: conversion.convert(net, image_shape=shape, path=path)  # noqa: E731
        yield from working_while("convert to ONNX", convert)
        durable.write(kept, path.read_bytes())
    shutil.copyfile(kept, path)


def _measure(task: Task, net: nn.Module, paths: list[Path], trained: Evaluation) -> Steps:
    """What the file does, and its golden files. Raises TrainerError where it does not compute what the net does."""
    held_out = task.held_out
    logits, reference = yield from measurement.run_files(paths, held_out, net)
    converted = measurement.compare(logits[-1], reference, name="trained")
    if converted["trained_max_difference"] > _MAX_CONVERSION_ERROR * max(reference.std(), 1e-6):
        raise export_failed("convert to ONNX", f"The file's logits differ from the trained network's: {converted}.")
    measured = figures.of(logits[0], held_out.labels, task.pack.manifest) | {
        "drop_points": 0.0,
        "trained_top1_accuracy": trained.splits[trained.evaluation_split].top1_accuracy,
        **measurement.compare(logits[0], reference, name="trained"),
        "model_bytes": paths[0].stat().st_size,
        "parameters": models.count_parameters(net),
        "weights": measurement.weights_by_dtype(paths[0]),
    }
    measured["drop_points"] = 100 * (measured["trained_top1_accuracy"] - measured["top1_accuracy"])
    if len(paths) == 2:
        measured |= measurement.compare(logits[0], logits[1], name="fp32")
        measured |= {"fp32_model_bytes": (size := paths[1].stat().st_size)}
        measured |= {"bytes_ratio": measured["model_bytes"] / size}
    measured |= yield from working_while("measure latency", lambda: measurement.time_files(paths))
    return measured, _golden(task, paths[0])


def _golden(task: Task, path: Path) -> Golden:
    image = task.held_out.golden_image()
    inputs = task.held_out.golden_input(heldout.as_input(image, task.spec, task.pack.manifest))
    return Golden(image, inputs, measurement.run(measurement.open_session(path), inputs))


def _publish(task: Task, facts: card.Facts, golden: Golden, model: Path) -> ExportResult:
    precision = task.export.precision
    status = "gate_failed" if facts.violations else "succeeded"
    asked = {"format": task.export.format, "precision": precision}
    contents = golden.files() | {
        bundle.MODEL_NAME: model.read_bytes(),
        "labels.json": bundle.as_json(task.pack.manifest.classes),
        "preprocess.json": bundle.as_json(preprocessing(task)),
        "metrics.json": bundle.as_json(facts.measured | asked | {"status": status, "violations": facts.violations}),
        "model_card.md": card.write(facts).encode(),
    }
    manifest = asked | {
        "version": 1,
        "task": task.spec.task,
        "dataset_digest": task.pack.manifest.digest,
        "trained_weights_sha256": _sha256(task.weights),
        "made_with": {"onnxruntime": onnxruntime.__version__, "torch": torch.__version__},
        "weights": facts.measured["weights"],
        "golden": golden.tolerances(precision),
    }
    size, sha256 = bundle.write(task.folder / _FILES["bundle"], contents, manifest)
    return ExportResult(
        **asked,
        status=status,
        constraints=task.export.constraints,
        violations=facts.violations,
        bytes=size,
        sha256=sha256,
        measured=facts.measured,
    )


def preprocessing(task: Task) -> dict[str, Any]:
    """preprocess.json: what `trainer.preprocess` did to the training images, as data."""
    manifest = task.pack.manifest
    return {
        "version": 1,
        "upright": "EXIF",
        "mode": "L" if manifest.channels == 1 else "RGB",
        "resize": "bilinear, antialiased, to height x width whatever the aspect",
        "height": task.spec.height,
        "width": task.spec.width,
        "scale": 1 / 255,
        "mean": manifest.mean,
        "std": manifest.std,
        "layout": "NCHW",
        "dtype": "float32",
        "input": conversion.INPUT_NAME,
        "output": conversion.OUTPUT_NAME,
    }


def _evaluation(task: Task, arm: str) -> Evaluation | None:
    path = task.out / arm / "evaluation.json"
    return Evaluation.model_validate(json.loads(path.read_bytes())) if path.is_file() else None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
