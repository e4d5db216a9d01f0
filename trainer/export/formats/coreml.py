"""Core ML .mlpackage by coremltools: fp32, fp16, and int8 weights. Written here, run nowhere but on Apple's systems."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import coremltools
import torch
from coremltools.optimize.coreml import OpLinearQuantizerConfig, OptimizationConfig, linear_quantize_weights

from contract.formats import Precision
from portable.runtimes import coreml_runtime
from trainer.export.formats.format import INPUT_NAME, Source
from trainer.export.inputs import Calibration

TITLE = "Core ML"
MADE_WITH = ("torch", "coremltools")
SETTINGS = {"by": "coremltools", "activations": "not quantized", "weights": "int8, symmetric, per channel"}
PROGRAMS = ()
RUNS_HERE = False
RUNTIME = coreml_runtime
MODEL_NAME = "model.mlpackage"


def convert(source: Source, folder: Path) -> None:
    _save(_convert(source, coremltools.precision.FLOAT32), folder)


def quantize(source: Source, _fp32: Path, folder: Path, *, precision: Precision, calibration: Calibration) -> None:  # noqa: ARG001 - weights need no images
    model = _convert(source, coremltools.precision.FLOAT16)
    if precision == "int8":
        how = OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8", granularity="per_channel")
        model = linear_quantize_weights(model, OptimizationConfig(global_config=how))
    _save(model, folder)


def requirements(_folder: Path) -> Mapping[str, Any]:
    """The version that is here: with older ones nobody tried."""
    return {"runtime": f"coremltools>={version('coremltools')}"}


def annotate(_folder: Path, _entries: Mapping[str, object]) -> None:
    """labels.json and preprocess.json lie beside the model."""


def _convert(source: Source, precision: coremltools.precision) -> coremltools.models.MLModel:
    program = torch.export.export(source.net, (torch.zeros(1, *source.image_shape),)).run_decompositions({})
    return coremltools.convert(
        program,
        inputs=[coremltools.TensorType(name=INPUT_NAME, shape=(1, *source.image_shape))],
        outputs=[coremltools.TensorType(name=name) for name in source.outputs],
        compute_precision=precision,
        minimum_deployment_target=coremltools.target.iOS17,
    )


def _save(model: coremltools.models.MLModel, folder: Path) -> None:
    """With the identifiers in its manifest, which are random, made from what they identify: equal nets, equal bytes."""
    model.save(str(folder / MODEL_NAME))
    path = folder / MODEL_NAME / "Manifest.json"
    manifest = json.loads(path.read_text())
    entries, root = manifest["itemInfoEntries"], manifest["rootModelIdentifier"]
    named = {old: str(uuid5(NAMESPACE_OID, entry["path"])).upper() for old, entry in entries.items()}
    manifest["itemInfoEntries"] = {named[old]: entry for old, entry in entries.items()}
    manifest["rootModelIdentifier"] = named[root]
    path.write_text(json.dumps(manifest, indent=4, sort_keys=True))
