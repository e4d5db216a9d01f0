"""ExecuTorch .pte with all that XNNPACK can take given to XNNPACK: fp32, and int8 by PT2E quantization.

The program takes one image at a time: kernels and memory are planned for a shape that is known.
"""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from executorch.exir import to_edge_transform_and_lower
from torch import nn
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from contract.formats import Precision
from portable.runtimes import executorch_runtime
from trainer.export.formats.format import Source
from trainer.export.inputs import Calibration

TITLE = "ExecuTorch"
MADE_WITH = ("torch", "executorch")
SETTINGS = {
    "by": "PT2E for XNNPACK, static",
    "activations": "int8, per tensor",
    "weights": "int8, per channel",
}
PROGRAMS = ()
RUNS_HERE = True
RUNTIME = executorch_runtime
MODEL_NAME = "model.pte"


def convert(source: Source, folder: Path) -> None:
    _lower(source.net, source, folder)


def quantize(source: Source, _fp32: Path, folder: Path, *, precision: Precision, calibration: Calibration) -> None:
    if precision != "int8":
        raise ValueError(f"XNNPACK has no {precision} here")
    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    # Of any batch, for observers count a histogram a call: image by image they take most of the time there is.
    example = torch.zeros(2, *source.image_shape)  # a batch of one would be taken for a constant
    graph = torch.export.export(source.net, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    prepared = prepare_pt2e(graph, quantizer)
    with torch.inference_mode():
        for batch in calibration:
            prepared(torch.from_numpy(batch))
    _lower(convert_pt2e(prepared), source, folder)


def requirements(_folder: Path) -> Mapping[str, Any]:
    """The version that is here: with older ones nobody tried."""
    return {"runtime": f"executorch>={version('executorch')}"}


def annotate(_folder: Path, _entries: Mapping[str, object]) -> None:
    """A .pte has no room for it: labels.json and preprocess.json lie beside the model."""


def _lower(net: nn.Module, source: Source, folder: Path) -> None:
    program = torch.export.export(net, _example(source))
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    (folder / MODEL_NAME).write_bytes(lowered.to_executorch().buffer)


def _example(source: Source) -> tuple[torch.Tensor]:
    return (torch.zeros(1, *source.image_shape),)
