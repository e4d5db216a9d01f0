"""ONNX, run by onnxruntime: fp32 by torch's exporter, int8 by onnxruntime's quantizer, fp16 as weights of half size."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from contract.formats import ONNX_RUNTIMES, Precision
from portable.runtimes import onnx_runtime
from trainer.export.formats import conversion, half_weights, quantization
from trainer.export.formats.format import Source
from trainer.export.inputs import Calibration

TITLE = "ONNX"
MADE_WITH = ("torch", "onnx", "onnxscript")
SETTINGS = quantization.SETTINGS
PROGRAMS = ("build_engine.py",)  # TensorRT
RUNS_HERE = True
RUNTIME = onnx_runtime
MODEL_NAME = "model.onnx"


def convert(source: Source, folder: Path) -> None:
    conversion.convert(
        source.net,
        image_shape=source.image_shape,
        outputs=source.outputs,
        opset=source.opset,
        path=folder / MODEL_NAME,
    )


def quantize(_source: Source, fp32: Path, folder: Path, *, precision: Precision, calibration: Calibration) -> None:
    if precision == "int8":
        quantization.quantize(fp32 / MODEL_NAME, folder / MODEL_NAME, calibration)
    else:
        half_weights.halve(fp32 / MODEL_NAME, folder / MODEL_NAME)


def requirements(folder: Path) -> Mapping[str, Any]:
    proto = onnx.load(folder / MODEL_NAME)
    opset = conversion.opset_of(proto)
    return {"runtime": f"onnxruntime>={ONNX_RUNTIMES[opset]}", "opset": opset, "ir_version": proto.ir_version}


def annotate(folder: Path, entries: Mapping[str, object]) -> None:
    conversion.set_metadata(folder / MODEL_NAME, entries)
