"""What a model's weights are stored as, read from the bytes of its file: numpy and Python's own library only."""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

ONNX_TYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 10: "float16"}  # TensorProto.DataType


def weights_by_dtype(folder: Path) -> dict[str, int]:
    """How many weights are stored in each type: the elements of constants of two and more dimensions."""
    counts: dict[str, int] = {}
    for dtype, dims in _constants(folder):
        if len(dims) >= 2:
            counts[dtype] = counts.get(dtype, 0) + prod(dims)
    return counts


def _constants(folder: Path) -> Iterator[tuple[str, list[int]]]:
    return _of_onnx((folder / "model.onnx").read_bytes())


def _of_onnx(model: bytes) -> Iterator[tuple[str, list[int]]]:
    for graph in _values(memoryview(model), 7):  # ModelProto.graph
        for tensor in _values(graph, 5):  # GraphProto.initializer
            (dtype,) = _values(tensor, 2)  # TensorProto.data_type
            yield ONNX_TYPES.get(dtype, f"type {dtype}"), list(_values(tensor, 1))  # TensorProto.dims


def _values(message: memoryview, wanted: int) -> Iterator[Any]:
    """The values of one field of a protobuf message: an int for each varint, the bytes of anything else."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(message, position)
        else:
            size, position = (8, position) if kind == 1 else (4, position) if kind == 5 else _varint(message, position)
            value, position = message[position : position + size], position + size
        if key >> 3 == wanted:
            yield value


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position
