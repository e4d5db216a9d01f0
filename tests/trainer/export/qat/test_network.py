"""The network that learns rounds as the int8 file rounds, and the file written from it answers as it does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.quant_utils import compute_scale_zp, get_qmin_qmax_for_qType
from torch import nn

from tests.trainer.export.formats.test_quantization import CASES, SLOW_CASES, calibration, model_in, run, settled
from trainer.export.formats import conversion, quantization
from trainer.export.formats.quantization import Prepared
from trainer.export.qat import operators, taps
from trainer.export.qat.network import FakeQuantized, rounded
from trainer.export.qat.operators import UnknownOperator
from trainer.models import stages

EVERY = [
    pytest.param(name, *case[:2], marks=[] if name == "mobilenet_v3_small" else pytest.mark.slow)
    for name, case in (CASES | SLOW_CASES).items()
]


def quantized(net: nn.Module, images: torch.Tensor, folder: Path) -> tuple[Prepared, Path]:
    fp32, int8 = model_in(folder / "fp32"), model_in(folder / "int8")
    conversion.convert(net, image_shape=tuple(images.shape[1:]), path=fp32)
    prepared = quantization.prepare(fp32, folder)
    quantization.write_untidied(prepared, int8, calibration(images))
    return prepared, int8


def learning(prepared: Prepared, int8: Path) -> FakeQuantized:
    return FakeQuantized(onnx.load(int8).graph, onnx.load(prepared.graph).graph)


@pytest.mark.parametrize(("architecture", "stem", "shape"), EVERY)
def test_network_answers_as_its_file_and_learns_all_of_its_weights(
    architecture: str, stem: str, shape: tuple[int, int, int], tmp_path: Path
) -> None:
    net, images = settled(architecture, stem, shape)
    prepared, int8 = quantized(net, images, tmp_path)
    graph = onnx.load(prepared.graph).graph
    network, plain = learning(prepared, int8), FakeQuantized(graph, graph)
    with torch.no_grad():
        fp32, fake, unrounded = net(images).numpy(), network(images).numpy(), plain(images).numpy()
    assert np.abs(unrounded - fp32).max() < 1e-4 * fp32.std()
    # Ties that are rounded otherwise carry on through an untrained network; still that is little of what rounding does.
    file = run(int8, images.numpy())
    assert np.abs(fake - file).mean() < 0.4 * np.abs(file - fp32).mean()

    flowing = taps.values(prepared.graph, images[:2])
    network.tap(taps.stage_ends(net, flowing, images[:2]))
    assert stages.shapes(network, shape) == stages.shapes(net, shape)

    network(images[:4]).square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert sum(float(parameter.grad.abs().sum()) > 0 for parameter in network.weights.values()) > 10
    folded = {constant.name for constant in graph.initializer if constant.data_type == TensorProto.FLOAT}
    assert network.learnt().keys() == {name for name in folded if numbers(graph, name).size > 1}


def test_what_was_learnt_becomes_a_file_that_answers_as_the_network(tmp_path: Path) -> None:
    net, images = settled("resnet20", "small", (1, 8, 8))
    prepared, int8 = quantized(net, images, tmp_path)
    network = learning(prepared, int8)
    with torch.no_grad():
        for parameter in network.weights.values():
            parameter.mul_(1 + 0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
        expected = network(images).numpy()
    weights = {name: tensor.numpy() for name, tensor in network.learnt().items()}
    quantization.write(quantization.with_weights(prepared, weights, tmp_path), model_in(tmp_path / "learnt"))
    file = run(tmp_path / "learnt" / "model.onnx", images.numpy())
    unlearnt = run(int8, images.numpy())
    assert np.abs(file - expected).mean() < 0.05 * np.abs(unlearnt - expected).mean()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1]), st.floats(1e-6, 1e4))
def test_weights_are_rounded_as_onnxruntime_rounds_them(seed: int, axis: int, size: float) -> None:
    """By its own quantizer, on random tensors of any magnitude, channels of zeros among them."""
    random = np.random.default_rng(seed)
    weight = (size * random.standard_normal((4, 3, 3, 3))).astype(np.float32)
    weight[0] = 0
    scale, integers = quantize_by_onnxruntime(weight, axis)
    shape = [-1 if dim == axis else 1 for dim in range(4)]
    theirs = integers.astype(np.float32) * scale.reshape(shape)
    mine = rounded(torch.from_numpy(weight), axis=axis).numpy()
    step = scale.reshape(shape)
    differs = np.abs(mine - theirs) > 1e-3 * step
    tie = np.abs(np.abs(weight / step - np.floor(weight / step)) - 0.5) < 1e-3
    assert not (differs & ~tie).any()
    assert np.abs(integers).max() <= 64


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3), st.floats(0, 1))
def test_activations_are_rounded_as_onnxruntime_rounds_them(seed: int, size: float, below: float) -> None:
    """Through a file of one QuantizeLinear and its inverse, beyond the range as well."""
    scale, zero = np.float32(size / 255), np.uint8(255 * below)
    values = (size * np.random.default_rng(seed).uniform(-1.5, 1.5, (1, 1, 8, 8))).astype(np.float32)
    graph = one_rounding(scale, zero)
    mine = FakeQuantized(graph, graph)(torch.from_numpy(values)).numpy()
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"image": values})[0]
    steps = np.abs(mine - theirs) / scale
    tie = np.abs(values / scale - np.floor(values / scale) - 0.5) < 1e-3
    assert (steps[~tie] < 1e-3).all()
    assert (steps[tie] < 1.001).all()


def test_operator_that_nobody_taught_is_named() -> None:
    graph = helper.make_graph(
        [helper.make_node("Erf", ["image"], ["logits"])],
        "erf",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1])],
    )
    with pytest.raises(UnknownOperator, match="Erf"):
        FakeQuantized(graph, graph)


def test_resize_that_says_no_size_is_refused() -> None:
    attributes = {"mode": b"nearest", "coordinate_transformation_mode": b"asymmetric"}
    with pytest.raises(UnknownOperator, match="without scales and sizes"):
        operators.of("Resize")(attributes, torch.zeros(1, 1, 2, 2))


def numbers(graph: onnx.GraphProto, name: str) -> np.ndarray:
    return next(numpy_helper.to_array(constant) for constant in graph.initializer if constant.name == name)


def quantize_by_onnxruntime(weight: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    least, most = get_qmin_qmax_for_qType(TensorProto.INT8, reduce_range=True, symmetric=True)
    channels = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1)
    found = [compute_scale_zp(row.min(), row.max(), least, most, symmetric=True) for row in channels]
    scale = np.array([each[1] for each in found], np.float32)
    shape = [-1 if dim == axis else 1 for dim in range(4)]
    return scale, np.clip(np.round(weight / scale.reshape(shape)), least, most).astype(np.int8)


def one_rounding(scale: np.float32, zero: np.uint8) -> onnx.GraphProto:
    constants = [numpy_helper.from_array(np.array(value), name) for name, value in (("scale", scale), ("zero", zero))]
    nodes = [
        helper.make_node("QuantizeLinear", ["image", "scale", "zero"], ["rounded"]),
        helper.make_node("DequantizeLinear", ["rounded", "scale", "zero"], ["logits"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 8, 8]) for name in ("image", "logits")]
    return helper.make_graph(nodes, "rounding", ends[:1], ends[1:], constants)
