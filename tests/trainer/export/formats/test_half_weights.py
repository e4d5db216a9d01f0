"""fp16 files: weights of half the bytes, fp32 everywhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from portable.runtimes import onnx_runtime
from trainer.errors import TrainerError
from trainer.export.formats import conversion, half_weights


def test_inputs_and_outputs_stay_fp32_and_only_weights_are_rounded(tmp_path: Path) -> None:
    net = small_net(tmp_path)
    half_weights.halve(tmp_path / "fp32.onnx", tmp_path / "model.onnx")
    images = np.random.default_rng(0).standard_normal((3, 1, 8, 8), dtype=np.float32)
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.dim() >= 2:
                parameter.copy_(parameter.half())
        expected = net(torch.from_numpy(images)).numpy()
    (found,) = onnx_runtime.Model(tmp_path)(images)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-5


def test_weights_too_large_for_fp16_are_refused_by_name(tmp_path: Path) -> None:
    small_net(tmp_path)
    proto = onnx.load(tmp_path / "fp32.onnx")
    weight = next(constant for constant in proto.graph.initializer if len(constant.dims) == 4)
    weight.CopyFrom(onnx.numpy_helper.from_array(1e6 * onnx.numpy_helper.to_array(weight), weight.name))
    onnx.save(proto, tmp_path / "fp32.onnx")
    with pytest.raises(TrainerError, match=rf"{weight.name} do not fit") as raised:
        half_weights.halve(tmp_path / "fp32.onnx", tmp_path / "fp16.onnx")
    assert raised.value.error.code == "export_failed"


def small_net(folder: Path) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5)).eval()
    conversion.convert(net, image_shape=(1, 8, 8), path=folder / "fp32.onnx")
    return net
