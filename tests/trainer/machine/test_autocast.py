"""bf16 on a CPU."""

import pytest
import torch
from torch import nn

from trainer.machine import device

CPU = torch.device("cpu")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(8, 16, 1), nn.Conv2d(16, 16, 3, groups=16), nn.Conv2d(16, 4, 1))


def differentiated(precision: device.Precision) -> tuple[torch.Tensor, list[torch.Tensor]]:
    net, images = network(), torch.randn(4, 8, 12, 12, generator=torch.Generator().manual_seed(1))
    with device.autocast(CPU, precision):
        said = net(images)
    said.float().square().mean().backward()
    return said, [parameter.grad for parameter in net.parameters() if parameter.grad is not None]


def test_bf16_stays_near_fp32_in_outputs_and_gradients() -> None:
    (exact, gradients), (rough, near) = differentiated("fp32"), differentiated("bf16")
    assert (exact.dtype, rough.dtype) == (torch.float32, torch.bfloat16)
    torch.testing.assert_close(rough.float(), exact, rtol=0.05, atol=0.02)
    for one, other in zip(near, gradients, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, other, rtol=0.1, atol=0.01)


def test_depthwise_convolutions_are_computed_in_fp32_and_give_bf16() -> None:
    seen: list[tuple[str, torch.dtype]] = []

    class Watching(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, _types, args=(), kwargs=None):
            if func.overloadpacket is torch.ops.aten.convolution:
                seen.append(("depthwise" if args[8] > 1 else "dense", args[0].dtype))
            return func(*args, **(kwargs or {}))

    with Watching(), device.autocast(CPU, "bf16"):
        said = network()(torch.randn(1, 8, 12, 12))
    assert seen == [("dense", torch.bfloat16), ("depthwise", torch.float32), ("dense", torch.bfloat16)]
    assert said.dtype == torch.bfloat16


@pytest.mark.parametrize("precision", ["auto", "fp32"])
def test_a_cpu_computes_in_fp32_unless_asked(precision: device.Precision) -> None:
    assert differentiated(precision)[0].dtype == torch.float32
