"""The files of a bundle, put together from what was made and measured, and what is said of it to the service."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from contract.files import BUNDLE, LABELS, METRICS, MODEL_CARD, PREPROCESS, README
from contract.results.exported import ExportResult, ExportWarning
from contract.tasks import TERMS
from trainer.export import model_files
from trainer.export.bundle import archive, card, provenance, readme
from trainer.export.bundle.facts import Facts
from trainer.export.bundle.golden import Golden
from trainer.export.inputs import GOLDEN_BYTES, GOLDEN_IMAGES, HeldOut
from trainer.export.ladder import Climbed
from trainer.export.measuring import gate, measurement
from trainer.export.measuring.measurement import Measurement
from trainer.export.order import Order


def publish(order: Order, net: nn.Module, model: Path, found: Measurement, climbed: Climbed | None) -> ExportResult:
    """Write the bundle. A file that fails its gate is written too, for its owner to look at; the status says so."""
    export, values = order.export, found.values
    metric = TERMS[order.pack.manifest.task].headline_name
    violations = gate.violations(export.constraints, values, metric=metric)
    warnings = [] if violations else gate.warnings(export.constraints, values, metric=metric)
    if climbed and not climbed.taken.meets:
        violations.append(_none_good_enough(climbed))
    elif climbed and climbed.taken.held_out:
        violations.append("The drop is too large by no more than noise, and no rung of the ladder is left.")
    if climbed:  # from here on the order is to describe the file that was made
        order = replace(order, export=export.model_copy(update={"precision": climbed.precision}))
    result = {
        "format": export.format,
        "precision": export.precision,
        "status": "gate_failed" if violations else "succeeded",
        "constraints": export.constraints.model_dump(),
        "violations": violations,
        "warnings": [warning.model_dump() for warning in warnings],
        "rung": climbed.taken.rung if climbed else None,
        "candidates": [candidate.model_dump(mode="json") for candidate in climbed.candidates] if climbed else [],
    }
    golden = _golden(order, net, model)
    contents = golden.files() | {
        LABELS: archive.as_json(order.pack.manifest.classes),
        PREPROCESS: archive.as_json(order.preprocessing()),
        METRICS: archive.as_json(result | values | _per_class(found)),
        README: readme.write(order, values["requires"]).encode(),
        MODEL_CARD: card.write(_facts(order, found, violations, warnings, climbed)).encode(),
    }
    contents |= (
        order.report() | provenance.notice(order.spec) | archive.programs(order.pack.manifest.task, order.format)
    )
    manifest = _manifest(order) | {
        "requires": readme.requires(values["requires"]),
        "weights": values["weights"],
        "golden": golden.tolerances(values),
    }
    size, sha256 = archive.write(order.folder / BUNDLE, contents, manifest, model=model_files.files_of(model))
    return ExportResult.model_validate(result | {"bytes": size, "sha256": sha256, "measured": values})


def _per_class(found: Measurement) -> dict[str, Any]:
    return found.figures.model_dump(include={"per_class", "ap_by_size", "ar_by_size"}) if found.figures else {}


def _none_good_enough(climbed: Climbed) -> str:
    split = climbed.taken.split
    return (
        f"No candidate of the ladder kept the constraints on {climbed.taken.samples} {split} images; `candidates` says "
        f"by how much. This file, {climbed.taken.rung}, came nearest."
    )


def _golden(order: Order, net: nn.Module, model: Path) -> Golden:
    held_out = HeldOut(order.spec, order.pack)
    image = held_out.golden_image()
    run = order.format.RUNTIME.Model(model) if order.format.RUNS_HERE else partial(_run_network, net)
    each = sum(output.nbytes for output in run(held_out.golden_input(image, images=1)))
    inputs = held_out.golden_input(image, images=max(1, min(GOLDEN_IMAGES, GOLDEN_BYTES // each)))
    return Golden(image, inputs, dict(zip(order.outputs, run(inputs), strict=True)))


def _run_network(net: nn.Module, images_BCHW: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    with torch.inference_mode():
        return [output.numpy() for output in measurement.leaves(net(torch.from_numpy(images_BCHW)))]


def _manifest(order: Order) -> dict[str, Any]:
    return {
        "version": 1,
        "task": order.spec.task,
        "format": order.export.format,
        "precision": order.export.precision,
        "outputs": dict(order.vision.OUTPUTS),
        "dataset_digest": order.pack.manifest.digest,
        "trained_weights_sha256": order.weights_sha256,
        "made_with": {"runtime": order.format.RUNTIME.NAME, "torch": torch.__version__},
    } | provenance.stated(order.spec)


def _facts(
    order: Order,
    found: Measurement,
    violations: list[str],
    warnings: list[ExportWarning],
    climbed: Climbed | None,
) -> Facts:
    return Facts(
        spec=order.spec,
        manifest=order.pack.manifest,
        weights_sha256=order.weights_sha256,
        export=order.export,
        format=order.format,
        outputs=order.vision.OUTPUTS,
        file=found.figures,
        trained=order.trained(),
        method=order.method,
        other_arm=order.other_arm(),
        selection=order.selection(),
        measured=found.values,
        violations=violations,
        warnings=[warning.message for warning in warnings],
        candidates=climbed.candidates if climbed else [],
    )
