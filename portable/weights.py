"""What a model's weights are stored as, read from the bytes of its file: numpy and Python's own library only.

Each format is read by what its schema states: onnx.proto, OpenVINO's IR, LiteRT's schema.fbs, and ExecuTorch's
program.fbs with XNNPACK's schema.fbs inside it, and the headers of Core ML's weight.bin.
"""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Constants = Iterator[tuple[str, int]]  # type and weights

ONNX = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 10: "float16"}
OPENVINO = {"f32": "float32", "f16": "float16", "i8": "int8", "u8": "uint8", "i32": "int32", "i64": "int64"}
LITERT = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 9: "int8"}
XNNPACK = {1: "float32", 2: "float16", 3: "int8", 4: "uint8", 5: "int32", 6: "int8", 7: "int32"}
PROGRAM = {0: "uint8", 1: "int8", 3: "int32", 4: "int64", 5: "float16", 6: "float32"}
COREML = {1: "float16", 2: "float32", 3: "uint8", 4: "int8"}
NO_WEIGHTS = ("int32", "int64")  # indices, paddings
_TENSOR, _XNNPACK_HEADER_BYTES = 5, 30


def weights_by_dtype(folder: Path) -> dict[str, int]:
    """How many weights are stored in each type: the elements of constants that are no vectors."""
    counts: dict[str, int] = {}
    for dtype, weights in _constants(folder):
        if weights and dtype not in NO_WEIGHTS:
            counts[dtype] = counts.get(dtype, 0) + weights
    return counts


def _weights(dims: Iterable[int]) -> int:
    """None of a vector: biases, scales and zero points are few, and stay in wide types."""
    sides = [side for side in dims if side > 1]
    return prod(sides) if len(sides) >= 2 else 0


def _constants(folder: Path) -> Constants:
    readers = {"model.onnx": _of_onnx, "model.xml": _of_openvino, "model.tflite": _of_litert, "model.pte": _of_pte}
    readers["model.mlpackage/Data/com.apple.CoreML/weights/weight.bin"] = _of_coreml
    return next(read((folder / name).read_bytes()) for name, read in readers.items() if (folder / name).is_file())


def _of_onnx(model: bytes) -> Constants:
    for graph in _values(memoryview(model), 7):  # ModelProto.graph
        for tensor in _values(graph, 5):  # GraphProto.initializer
            (dtype,) = _values(tensor, 2)  # TensorProto.data_type
            yield ONNX.get(dtype, f"type {dtype}"), _weights(_values(tensor, 1))  # TensorProto.dims


def _of_openvino(model: bytes) -> Constants:
    for layer in ET.fromstring(model).iter("layer"):  # noqa: S314 - no older than its hash, which is checked before
        stored = layer.find("data") if layer.get("type") == "Const" else None
        if stored is not None:
            dtype, shape = str(stored.get("element_type")), str(stored.get("shape"))
            yield OPENVINO.get(dtype, dtype), _weights(int(side) for side in shape.split(",") if side.strip())


def _of_litert(model: bytes) -> Constants:
    root = _Table.root(model)
    filled = [buffer.length(0) > 0 or buffer.number(2, "Q") > 0 for buffer in root.tables(4)]
    for graph in root.tables(2):
        for tensor in graph.tables(0):
            if filled[tensor.number(2, "I")]:
                dtype = tensor.number(1, "b")
                yield LITERT.get(dtype, f"type {dtype}"), _weights(tensor.numbers(0, "i"))


def _of_pte(model: bytes) -> Constants:
    """What XNNPACK holds, in as many parts as were given to it, and what the program holds itself."""
    for plan in _Table.root(model).tables(1):
        for value in plan.tables(2):
            tensor = value.table(1) if value.number(0, "B") == _TENSOR else None
            if tensor and tensor.number(5, "I"):  # the buffer of its content; 0 for what is computed
                dtype = tensor.number(0, "b")
                yield PROGRAM.get(dtype, f"type {dtype}"), _weights(tensor.numbers(2, "i"))
    start = model.find(b"XH00") - 4
    while start >= 0:
        size, offset = struct.unpack_from("<HI", model, start + 8)
        if size == _XNNPACK_HEADER_BYTES:
            yield from _of_xnnpack(model[start + offset :])
        start = model.find(b"XH00", start + 8) - 4


def _of_xnnpack(graph: bytes) -> Constants:
    for value in _Table.root(graph).tables(2):
        tensor = value.table(1)
        if tensor and value.number(0, "B") == 2:  # a quantized value holds its tensor
            tensor = tensor.table(0)
        if tensor and tensor.number(3, "I"):
            dtype = tensor.number(0, "h")
            yield XNNPACK.get(dtype, f"type {dtype}"), _weights(tensor.numbers(2, "I"))


def _of_coreml(blobs: bytes) -> Constants:
    """Of a blob only its type and bytes are known, not its shape: vectors of more than ten elements count, too."""
    header = 64
    while header < len(blobs):
        sentinel, dtype, size, start = struct.unpack_from("<IIQQ", blobs, header)
        if sentinel != 0xDEADBEEF:
            raise ValueError("weight.bin is not as coremltools writes it")
        name = COREML.get(dtype, f"type {dtype}")
        width = {"float32": 4, "float16": 2}.get(name, 1)
        yield name, size // width
        header = (start + size + 63) // 64 * 64


class _Table:
    """A table of a FlatBuffers file; fields by their number. Absent ones are 0, empty or None."""

    def __init__(self, buffer: bytes, position: int) -> None:
        self._buffer, self._position = buffer, position
        self._vtable = position - struct.unpack_from("<i", buffer, position)[0]
        self._vtable_bytes = struct.unpack_from("<H", buffer, self._vtable)[0]

    @classmethod
    def root(cls, buffer: bytes) -> _Table:
        return cls(buffer, struct.unpack_from("<I", buffer)[0])

    def number(self, field: int, kind: str) -> int:
        """`kind` as of `struct`."""
        at = self._at(field)
        return struct.unpack_from(f"<{kind}", self._buffer, at)[0] if at else 0

    def table(self, field: int) -> _Table | None:
        at = self._at(field)
        return _Table(self._buffer, self._pointed(at)) if at else None

    def tables(self, field: int) -> list[_Table]:
        start, length = self._vector(field)
        return [_Table(self._buffer, self._pointed(start + 4 * i)) for i in range(length)]

    def numbers(self, field: int, kind: str) -> list[int]:
        start, length = self._vector(field)
        return np.frombuffer(self._buffer, np.dtype(f"<{kind}"), length, start).tolist() if length else []

    def length(self, field: int) -> int:
        return self._vector(field)[1]

    def _vector(self, field: int) -> tuple[int, int]:
        at = self._at(field)
        if not at:
            return 0, 0
        start = self._pointed(at)
        return start + 4, struct.unpack_from("<I", self._buffer, start)[0]

    def _at(self, field: int) -> int:
        entry = 4 + 2 * field
        offset = struct.unpack_from("<H", self._buffer, self._vtable + entry)[0] if entry < self._vtable_bytes else 0
        return self._position + offset if offset else 0

    def _pointed(self, at: int) -> int:
        return at + struct.unpack_from("<I", self._buffer, at)[0]


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
