"""Bundles whose ONNX file really runs: quick ones, and ones that take some seconds to measure."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

TOLERANCE = {"mean": 1e-5, "max": 1e-4}


def bundle(*, size_px: int = 8, filters: int = 4, wrong: bool = False, **manifest: Any) -> bytes:
    """One convolution and its mean. `wrong`: the golden output is another network's."""
    model = _model(size_px, filters)
    image = np.random.default_rng(1).standard_normal((1, 3, size_px, size_px), dtype=np.float32)
    (output,) = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"image": image})
    stated = {"format": "onnx", "precision": "fp32", "golden": {"output_tolerance": {"output": TOLERANCE}}}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("manifest.json", json.dumps(stated | manifest))
        archive.writestr("model.onnx", model)
        archive.writestr("golden/input.npy", _npy(image))
        archive.writestr("golden/output.npy", _npy(output + 1 if wrong else output))
        archive.writestr("runtime.py", "raise SystemExit('a program of a bundle was run')")
    return content.getvalue()


def _model(size_px: int, filters: int) -> bytes:
    weights = np.random.default_rng(0).standard_normal((filters, 3, 7, 7), dtype=np.float32) / 10
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weights"], ["maps"], pads=[3, 3, 3, 3]),
            helper.make_node("ReduceMean", ["maps", "axes"], ["logits"], keepdims=0),
        ],
        "bundle",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, size_px, size_px])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", filters])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([2, 3], np.int64), "axes"),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def _npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()
