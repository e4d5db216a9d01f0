"""From an fp32 ONNX file to one that stores its weights in fp16 and computes in fp32, with fp32 inputs and outputs.

onnxruntime has no fp16 convolution for x86 or most ARM processors and would convert back and forth around each. A cast
behind each weight is folded when the file is opened: half the bytes, the fp32 file's speed.
"""

from pathlib import Path

import numpy as np
import onnx

from trainer.errors import export_failed

_WEIGHTED = {"Conv", "ConvTranspose", "Gemm", "MatMul"}  # other constants are no weights: fp16 has steps of 0.25 px


def halve(fp32: Path, fp16: Path) -> None:
    """Write the fp16 file. Raises TrainerError where a weight is too large for fp16."""
    proto = onnx.load(fp32)
    graph = proto.graph
    casts = []
    layers = [node for node in graph.node if node.op_type in _WEIGHTED]
    weights = {name for layer in layers for name in layer.input}
    for constant in graph.initializer:
        if constant.data_type != onnx.TensorProto.FLOAT or len(constant.dims) < 2 or constant.name not in weights:
            continue
        name, content = constant.name, _halved(constant)
        constant.CopyFrom(onnx.numpy_helper.from_array(content, f"{name}.fp16"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.fp16"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(proto)
    fp16.write_bytes(proto.SerializeToString(deterministic=True))


def _halved(constant: onnx.TensorProto) -> np.ndarray:
    content = onnx.numpy_helper.to_array(constant)
    if np.abs(content).max() > np.finfo(np.float16).max:
        raise export_failed("convert to fp16", f"The weights {constant.name} do not fit: fp16 ends at 65504.")
    return content.astype(np.float16)
