"""From a trained network to one ONNX file: fp32, dynamic batch, weights inside, nothing of this machine in it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import onnx
import torch
from torch import nn

from contract.formats import OLDEST_OPSET
from trainer.errors import export_failed
from trainer.export.formats.format import INPUT_NAME


def convert(
    model: nn.Module,
    *,
    image_shape: tuple[int, int, int],
    path: Path,
    outputs: tuple[str, ...] = ("logits",),
    opset: int = OLDEST_OPSET,
) -> None:
    """Write a network in evaluation mode as ONNX. `image_shape` is (channels, height, width).

    Raises TrainerError where the converter cannot write that opset.
    """
    example = torch.zeros(2, *image_shape)  # a batch of one would be taken for a constant
    with torch.no_grad():
        program = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            opset_version=opset,
            input_names=[INPUT_NAME],
            output_names=list(outputs),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            verbose=False,
        )
    proto = cast("torch.onnx.ONNXProgram", program).model_proto  # None without dynamo
    tidy(proto)
    if opset_of(proto) != opset:  # it only warns where its graph cannot be raised to the opset
        raise export_failed("convert to ONNX", f"The graph is of opset {opset_of(proto)}, not {opset} as was asked.")
    onnx.checker.check_model(proto)
    path.write_bytes(proto.SerializeToString(deterministic=True))


def opset_of(proto: onnx.ModelProto) -> int:
    """The version of the standard operators."""
    version: int = next(wanted.version for wanted in proto.opset_import if not wanted.domain)
    return version


def tidy(proto: onnx.ModelProto) -> None:
    """Drop what only the exporter needed: its stack traces (they name folders of this machine), shapes, long names.

    Constants of equal content are stored once: the thousands of zero points of an int8 file are all zeros. Together
    this is 5 % of an int8 MobileNetV3-small. The IR version becomes the oldest that the operators allow: writers state
    their own, which runtimes of a year or two ago refuse.
    """
    graph = proto.graph
    for part in (proto, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.doc_string = ""
    del graph.value_info[:]
    used = {node.domain for node in graph.node}
    imports = [wanted for wanted in proto.opset_import if wanted.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(imports)
    proto.ir_version = onnx.helper.find_min_ir_version_for(imports)
    for number, node in enumerate(graph.node):
        node.name = f"n{number}"
    _share_equal_constants(graph)
    _shorten_names(graph)


def set_metadata(path: Path, entries: Mapping[str, object]) -> None:
    """Put JSON values under these keys into the file's metadata, for readers that have only the file."""
    proto = onnx.load(path)
    onnx.helper.set_model_props(proto, {key: json.dumps(value, sort_keys=True) for key, value in entries.items()})
    path.write_bytes(proto.SerializeToString(deterministic=True))


def _share_equal_constants(graph: onnx.GraphProto) -> None:
    first: dict[bytes, str] = {}
    renamed: dict[str, str] = {}
    kept = []
    for constant in graph.initializer:
        content = onnx.numpy_helper.to_array(constant)
        key = hashlib.sha256(f"{constant.data_type} {content.shape} ".encode() + content.tobytes()).digest()
        if key in first:
            renamed[constant.name] = first[key]
        else:
            first[key] = constant.name
            kept.append(onnx.numpy_helper.from_array(content, constant.name))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]


def _shorten_names(graph: onnx.GraphProto) -> None:
    """Of values between nodes only: inputs, outputs and weights keep the names that people look for."""
    kept = {value.name for value in (*graph.input, *graph.output, *graph.initializer)}
    between = [name for node in graph.node for name in node.output if name and name not in kept]
    short = {name: f"v{number}" for number, name in enumerate(between)}
    for node in graph.node:
        node.input[:] = [short.get(name, name) for name in node.input]
        node.output[:] = [short.get(name, name) for name in node.output]
