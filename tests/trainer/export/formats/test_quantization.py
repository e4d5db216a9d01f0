"""int8 files: as small as they should be, int8 indeed, and the same answers on processors that multiply otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from contract.specs import ModelSpec
from portable.runtimes import onnx_runtime
from portable.weights import weights_by_dtype
from trainer import models
from trainer.errors import TrainerError
from trainer.export.formats import conversion, quantization
from trainer.export.inputs import Calibration
from trainer.models import folding

CASES = {
    "resnet18": ("small", (1, 8, 8), 0.26),
    "resnet20": ("small", (3, 32, 32), 0.29),
    "mobilenet_v3_small": ("small", (3, 32, 32), 0.29),
}
SLOW_CASES = {
    "resnet32": ("small", (3, 32, 32), 0.29),
    "resnet34": ("imagenet", (3, 64, 64), 0.26),
    "resnet50": ("imagenet", (3, 64, 64), 0.26),
    "mobilenet_v3_large": ("imagenet", (3, 64, 64), 0.28),
    "efficientnet_b0": ("imagenet", (3, 64, 64), 0.29),
    "efficientnet_lite0": ("imagenet", (3, 64, 64), 0.28),
    "efficientnet_lite1": ("imagenet", (3, 64, 64), 0.28),
    "efficientnet_lite2": ("imagenet", (3, 64, 64), 0.28),
    "mobilenet_v2": ("imagenet", (3, 64, 64), 0.28),
    "mobilenetv4_conv_small": ("imagenet", (3, 64, 64), 0.28),
    "mobileone_s0": ("imagenet", (3, 64, 64), 0.30),
    "shufflenet_v2_x1_0": ("imagenet", (1, 64, 64), 0.30),
}
EVERY_CASE = [(name, *case) for name, case in CASES.items()] + [
    pytest.param(name, *case, marks=pytest.mark.slow) for name, case in SLOW_CASES.items()
]


def settled(architecture: str, stem: str, shape: tuple[int, int, int]) -> tuple[nn.Module, torch.Tensor]:
    """An untrained network whose BatchNorm has seen data, and inputs like that data."""
    torch.manual_seed(0)
    net = models.build(ModelSpec(architecture=architecture, stem=stem), num_classes=10, channels=shape[0])
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.5
            nn.init.uniform_(module.weight, 0.5, 1.5)
    images = torch.randn(64, *shape)
    with torch.no_grad():
        for batch in images.split(16):
            net(batch)
    return folding.folded(net.eval()), images


@pytest.mark.parametrize(("architecture", "stem", "shape", "largest_share"), EVERY_CASE)
def test_each_architecture_becomes_a_small_int8_file_that_agrees_on_every_processor(
    architecture: str, stem: str, shape: tuple[int, int, int], largest_share: float, tmp_path: Path
) -> None:
    net, images = settled(architecture, stem, shape)
    fp32, int8 = model_in(tmp_path / "fp32"), model_in(tmp_path / "int8")
    conversion.convert(net, image_shape=shape, path=fp32)
    quantization.quantize(fp32, int8, calibration(images))

    with torch.no_grad():
        expected = net(images).numpy()
    spread = expected.std()
    assert np.abs(run(fp32, images.numpy()) - expected).max() < 1e-3 * spread
    assert np.abs(run(fp32, images[:1].numpy()) - expected[:1]).max() < 1e-3 * spread

    logits = run(int8, images.numpy())
    assert np.abs(logits - expected).mean() < 0.4 * spread
    assert int8.stat().st_size <= largest_share * fp32.stat().st_size
    held = weights_by_dtype(int8.parent)
    assert held.keys() == {"int8", "float32"}
    assert held["float32"] == 10 * last_width(net)

    exact = exactly(int8, images.numpy())
    assert np.abs(logits - exact).mean() < np.abs(exact - expected).mean()
    assert largest_int8_weight(int8) <= 64


def test_file_whose_weights_stayed_fp32_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, images = settled("resnet20", "small", (1, 8, 8))
    conversion.convert(net, image_shape=(1, 8, 8), path=tmp_path / "fp32.onnx")
    original = quantization.quantize_static

    def only_sums(*arguments: object, **options: object) -> None:
        original(*arguments, **options, op_types_to_quantize=["Add"])

    monkeypatch.setattr(quantization, "quantize_static", only_sums)
    with pytest.raises(TrainerError, match="left in fp32") as raised:
        quantization.quantize(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", calibration(images))
    assert raised.value.error.code == "export_failed"


def calibration(images: torch.Tensor) -> Calibration:
    batches = [batch.numpy() for batch in images.split(32)]
    return Calibration(iter(batches), len(batches))


def model_in(folder: Path) -> Path:
    folder.mkdir()
    return folder / "model.onnx"


def run(path: Path, images: np.ndarray) -> np.ndarray:
    return onnx_runtime.Model(path.parent)(images)[0]


def exactly(path: Path, images: np.ndarray) -> np.ndarray:
    """Without its optimiser onnxruntime multiplies the dequantized numbers in floating point: nothing saturates."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"image": images})[0]


def largest_int8_weight(path: Path) -> int:
    constants = [c for c in onnx.load(path).graph.initializer if c.data_type == onnx.TensorProto.INT8]
    return max(int(np.abs(onnx.numpy_helper.to_array(constant).astype(np.int64)).max()) for constant in constants)


def last_width(net: nn.Module) -> int:
    return [module for module in net.modules() if isinstance(module, nn.Linear)][-1].in_features
