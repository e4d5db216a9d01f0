"""From an fp32 ONNX file to an int8 one: static QDQ, per channel, calibrated on training images.

Settings and why (measured with onnxruntime 1.32 on x86):
- uint8 activations, int8 weights: int8 activations ran five times slower than fp32.
- weights in 7 bits of their 8 (`reduce_range`): processors without VNNI add pairs of products in 16 bits, which
  saturate otherwise. On such a one, a ResNet-18 trained on digits differed from fp32 by 0.43 on average and 5.1 at
  most (logits with a deviation of 13), with it by 0.08 and 0.6; bytes and speed are the same, and the file gives
  the same answers on every processor.
- MinMax ranges; the last layers stay fp32, with what only adds or resizes behind them, so that no logit is clipped at
  the calibrated range.
"""

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_static,
)

from trainer.errors import export_failed
from trainer.export.formats import conversion
from trainer.export.formats.format import INPUT_NAME
from trainer.export.inputs import Calibration

SETTINGS = {
    "format": "QDQ, static",
    "activations": "uint8, per tensor",
    "weights": "int8 within 7 bits, per channel",
    "ranges": "MinMax",
    "kept in fp32": "the last layer",
}


_WEIGHTED = {"Conv", "Gemm", "MatMul"}


class _Reader(CalibrationDataReader):
    """Calibration images as onnxruntime asks for them."""

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        batch = next(self._calibration, None)
        return None if batch is None else {INPUT_NAME: batch}


@dataclass(frozen=True)
class Prepared:
    """What int8 files are made from: an fp32 file with batch norm folded, and the ranges of its activations.

    The ranges are found by the first file that is made, which therefore needs images.
    """

    graph: Path
    ranges: Path


def prepare(fp32: Path, folder: Path) -> Prepared:
    """Put into `folder` what int8 files of an fp32 one are made from."""
    graph = folder / "prepared.onnx"
    quant_pre_process(fp32, graph, skip_symbolic_shape=True)
    return Prepared(graph, folder / "ranges.json")


def with_weights(prepared: Prepared, weights: Mapping[str, NDArray[np.float32]], folder: Path) -> Prepared:
    """The same graph with other weights, by name, and the same ranges."""
    proto = onnx.load(prepared.graph)
    for constant in proto.graph.initializer:
        if constant.name in weights:
            constant.CopyFrom(onnx.numpy_helper.from_array(weights[constant.name], constant.name))
    graph = folder / "reweighted.onnx"
    onnx.save(proto, graph)
    return Prepared(graph, prepared.ranges)


def quantize(fp32: Path, int8: Path, calibration: Calibration) -> None:
    """Write the int8 file of an fp32 one."""
    with tempfile.TemporaryDirectory() as scratch:
        write(prepare(fp32, Path(scratch)), int8, calibration)


def write(
    prepared: Prepared, int8: Path, calibration: Calibration | None = None, *, in_fp32: Collection[str] = ()
) -> None:
    """Write the int8 file, its last layer and those named left in fp32."""
    write_untidied(prepared, int8, calibration, in_fp32=in_fp32)
    proto = onnx.load(int8)
    _check_weights(proto, len(in_fp32))
    conversion.tidy(proto)
    int8.write_bytes(proto.SerializeToString(deterministic=True))


def write_untidied(
    prepared: Prepared,
    int8: Path,
    calibration: Calibration | None = None,
    *,
    in_fp32: Collection[str] = (),
    only: Collection[str] = (),
) -> None:
    """The file with the names of the graph it is made from. `only`: nothing but these nodes is quantized."""
    last = [node.name for node in _last_layers(onnx.load(prepared.graph))]
    quantize_static(
        prepared.graph,
        int8,
        _Reader(calibration) if calibration else None,
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_quantize=list(only),
        nodes_to_exclude=[*last, *in_fp32],
        calibrate_method=CalibrationMethod.MinMax,
        calibration_cache_path=prepared.ranges,
    )


def layers(prepared: Prepared) -> dict[str, str]:
    """The nodes that have weights, but the last, with the names of their weights."""
    proto = onnx.load(prepared.graph)
    last = {node.name for node in _last_layers(proto)}
    constants = {constant.name for constant in proto.graph.initializer}
    return {
        node.name: node.input[1]
        for node in proto.graph.node
        if node.op_type in ("Conv", "Gemm") and node.name not in last and node.input[1] in constants
    }


def _last_layers(proto: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The layers with weights that are nearest to the outputs, and what lies behind them: sums, resizing."""
    maker = {name: node for node in proto.graph.node for name in node.output}
    wanted = [output.name for output in proto.graph.output]
    found: dict[str, onnx.NodeProto] = {}
    while wanted:
        node = maker.get(wanted.pop())
        if node is None or node.output[0] in found:
            continue
        found[node.output[0]] = node
        if node.op_type not in _WEIGHTED:
            wanted += [] if node.op_type == "Shape" else node.input
    return list(found.values())


def _check_weights(proto: onnx.ModelProto, in_fp32: int) -> None:
    """A file that is int8 in name only must not leave."""
    last = {name for node in _last_layers(proto) for name in node.input}
    stored = [constant for constant in proto.graph.initializer if len(constant.dims) >= 2]
    left = [c.name for c in stored if c.data_type == onnx.TensorProto.FLOAT and c.name not in last]
    if len(left) > in_fp32 or all(constant.data_type != onnx.TensorProto.INT8 for constant in stored):
        raise export_failed("quantize to int8", f"These weights were left in fp32: {left}.")
