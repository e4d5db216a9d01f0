"""LiteRT .tflite, run by ai-edge-litert: fp32 by litert-torch, int8 and fp16 weights by ai-edge-quantizer.

The model takes one image at a time. Its int8 file takes and gives int8; its runtime file translates.
"""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import litert_torch
import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import qtyping, quantizer, recipe
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from numpy.typing import NDArray

from contract.formats import Precision
from portable.runtimes import litert_runtime
from trainer.export.formats.format import Source
from trainer.export.inputs import Calibration

TITLE = "LiteRT"
MADE_WITH = ("torch", "litert-torch")
SETTINGS = {
    "by": "ai-edge-quantizer, static",
    "activations": "int8, per tensor",
    "weights": "int8, per channel",
}
PROGRAMS = ()
RUNS_HERE = True
RUNTIME = litert_runtime
MODEL_NAME = "model.tflite"


def convert(source: Source, folder: Path) -> None:
    litert_torch.convert(source.net, (torch.zeros(1, *source.image_shape),)).export(str(folder / MODEL_NAME))


def quantize(_source: Source, fp32: Path, folder: Path, *, precision: Precision, calibration: Calibration) -> None:
    made = quantizer.Quantizer(str(fp32 / MODEL_NAME))
    if precision == "int8":
        made.load_quantization_recipe(recipe.static_wi8_ai8())
        found = made.quantize(made.calibrate(_images(fp32, calibration)))
    else:
        made.update_quantization_recipe(
            ".*",
            qtyping.TFLOperationName.ALL_SUPPORTED,
            qtyping.OpQuantizationConfig(
                weight_tensor_config=qtyping.TensorQuantizationConfig(16, dtype=qtyping.TensorDataType.FLOAT),
                compute_precision=qtyping.ComputePrecision.FLOAT,
                explicit_dequantize=True,
            ),
            AlgorithmName.FLOAT_CASTING,
        )
        found = made.quantize()
    found.export_model(folder / MODEL_NAME)


def requirements(_folder: Path) -> Mapping[str, Any]:
    """The version that is here: with older ones nobody tried."""
    return {"runtime": f"ai-edge-litert>={version('ai-edge-litert')}"}


def annotate(_folder: Path, _entries: Mapping[str, object]) -> None:
    """A .tflite written here has no room for it: labels.json and preprocess.json lie beside the model."""


def _images(fp32: Path, calibration: Calibration) -> dict[str, list[dict[str, NDArray[np.float32]]]]:
    """Calibration images, each a batch of one, by the names that the file gave to its signature and its input."""
    ((signature, names),) = Interpreter(str(fp32 / MODEL_NAME)).get_signature_list().items()
    (name,) = names["inputs"]
    return {signature: [{name: image[None]} for batch in calibration for image in batch]}
