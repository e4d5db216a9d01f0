"""The files of a bundle, put together from what was made and measured, and what is said of it to the service."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from contract.results.exported import ExportResult
from contract.tasks import TERMS
from trainer.export import bundle, card, gate, heldout, measurement, model_files
from trainer.export.golden import Golden
from trainer.export.ladder import Climbed
from trainer.export.measurement import Measurement
from trainer.export.task import Task

BUNDLE_NAME = "bundle.zip"
RESULT_NAME = "export.json"


def publish(task: Task, net: nn.Module, model: Path, found: Measurement, climbed: Climbed | None) -> ExportResult:
    """Write the bundle. A file that fails its gate is written too, for its owner to look at; the status says so."""
    export, values = task.export, found.values
    violations = gate.violations(export.constraints, values, metric=TERMS[task.pack.manifest.task].headline_name)
    if climbed and not climbed.taken.meets:
        violations.append(_none_good_enough(climbed))
    if climbed:  # from here on the task is to describe the file that was made
        task = replace(task, export=export.model_copy(update={"precision": climbed.precision}))
    result = {
        "format": export.format,
        "precision": export.precision,
        "status": "gate_failed" if violations else "succeeded",
        "constraints": export.constraints.model_dump(),
        "violations": violations,
        "rung": climbed.taken.rung if climbed else None,
        "candidates": [candidate.model_dump(mode="json") for candidate in climbed.candidates] if climbed else [],
    }
    golden = _golden(task, net, model)
    contents = golden.files() | {
        "labels.json": bundle.as_json(task.pack.manifest.classes),
        "preprocess.json": bundle.as_json(task.preprocessing()),
        "metrics.json": bundle.as_json(result | values | _per_class(found)),
        "model_card.md": card.write(_facts(task, found, violations, climbed)).encode(),
    }
    contents |= task.report() | bundle.programs(task.spec.task, task.format)
    manifest = _manifest(task) | {"weights": values["weights"], "golden": golden.tolerances(values)}
    size, sha256 = bundle.write(task.folder / BUNDLE_NAME, contents, manifest, model=model_files.files_of(model))
    return ExportResult.model_validate(result | {"bytes": size, "sha256": sha256, "measured": values})


def _per_class(found: Measurement) -> dict[str, Any]:
    return found.figures.model_dump(include={"per_class", "ap_by_size", "ar_by_size"}) if found.figures else {}


def _none_good_enough(climbed: Climbed) -> str:
    split = climbed.taken.split
    return (
        f"No candidate of the ladder kept the constraints on {climbed.taken.samples} {split} images; `candidates` says "
        f"by how much. This file, {climbed.taken.rung}, came nearest."
    )


def _golden(task: Task, net: nn.Module, model: Path) -> Golden:
    held_out = heldout.HeldOut(task.spec, task.pack)
    image = held_out.golden_image()
    run = task.format.RUNTIME.Model(model) if task.format.RUNS_HERE else partial(_run_network, net)
    each = sum(output.nbytes for output in run(held_out.golden_input(image, images=1)))
    inputs = held_out.golden_input(image, images=max(1, min(heldout.GOLDEN_IMAGES, heldout.GOLDEN_BYTES // each)))
    return Golden(image, inputs, dict(zip(task.outputs, run(inputs), strict=True)))


def _run_network(net: nn.Module, images_BCHW: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    with torch.inference_mode():
        return [output.numpy() for output in measurement.leaves(net(torch.from_numpy(images_BCHW)))]


def _manifest(task: Task) -> dict[str, Any]:
    return {
        "version": 1,
        "task": task.spec.task,
        "format": task.export.format,
        "precision": task.export.precision,
        "outputs": dict(task.vision.OUTPUTS),
        "dataset_digest": task.pack.manifest.digest,
        "trained_weights_sha256": task.weights_sha256,
        "made_with": {"runtime": task.format.RUNTIME.NAME, "torch": torch.__version__},
    }


def _facts(task: Task, found: Measurement, violations: list[str], climbed: Climbed | None) -> card.Facts:
    return card.Facts(
        spec=task.spec,
        manifest=task.pack.manifest,
        export=task.export,
        format=task.format,
        outputs=task.vision.OUTPUTS,
        file=found.figures,
        trained=task.trained(),
        control=task.control(),
        measured=found.values,
        violations=violations,
        candidates=climbed.candidates if climbed else [],
    )
