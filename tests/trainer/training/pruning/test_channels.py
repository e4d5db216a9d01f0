"""A pruned network meets its target closely, still runs, and is rebuilt from its weights alone."""

import pytest
import torch

from contract.specs import ModelSpec, PruningSpec
from trainer import models
from trainer.errors import TrainerError
from trainer.models import widths
from trainer.training.pruning import channels
from trainer.training.pruning.channels import Size, Target

SHAPE = (3, 32, 32)
QUICK = ("resnet20", "mobilenet_v3_small")
PRUNABLE = (
    *QUICK,
    "efficientnet_lite0",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_large", "mobilenetv4_conv_small")
    ),
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("efficientnet_b0", "efficientnet_lite1", "efficientnet_lite2")
    ),
)


def network(architecture: str) -> torch.nn.Module:
    torch.manual_seed(0)
    spec = ModelSpec(architecture=architecture, stem="small")
    return models.build(spec, num_classes=10, channels=3).eval()


def with_gradients(net: torch.nn.Module) -> torch.nn.Module:
    net(torch.randn(2, *SHAPE)).square().sum().backward()
    return net


@pytest.mark.parametrize("architecture", PRUNABLE)
def test_pruned_network_has_at_most_its_target_and_not_much_less(architecture: str) -> None:
    net = with_gradients(network(architecture))
    whole = Size.of(net, SHAPE)
    target = Target.of(PruningSpec(target_macs_share=0.5), whole, 1.0)
    net = channels.prune(net, image_shape=SHAPE, target=target, criterion="taylor")
    left = Size.of(net, SHAPE)
    assert 0.49 * whole.macs < left.macs <= 0.5 * whole.macs
    assert left.weight_bytes < whole.weight_bytes

    rebuilt = network(architecture)
    widths.fit(rebuilt, net.state_dict())
    rebuilt.load_state_dict(net.state_dict())
    images = torch.randn(2, *SHAPE)
    with torch.no_grad():
        assert torch.equal(rebuilt(images), net(images))
    assert Size.of(rebuilt, SHAPE) == left
    assert all(width % channels.ROUND_TO == 0 for width in conv_widths(net))


def test_bytes_are_a_target_too() -> None:
    net = network("resnet20")
    target = Target.of(PruningSpec(target_bytes=400_000), Size.of(net, SHAPE), 1.0)
    net = channels.prune(net, image_shape=SHAPE, target=target, criterion="magnitude")
    assert 300_000 < Size.of(net, SHAPE).weight_bytes <= 400_000


def test_equal_shares_of_the_way_are_equal_factors() -> None:
    whole = Size(macs=1000, weight_bytes=4000)
    pruning = PruningSpec(target_macs_share=0.25, rounds=2)
    assert Target.of(pruning, whole, 0.5).macs == pytest.approx(500)
    assert Target.of(pruning, whole, 1.0).macs == pytest.approx(250)


def test_network_that_is_small_enough_is_left_alone() -> None:
    net = network("resnet20")
    whole = Size.of(net, SHAPE)
    target = Target.of(PruningSpec(target_bytes=2 * whole.weight_bytes), whole, 1.0)
    net = channels.prune(net, image_shape=SHAPE, target=target, criterion="magnitude")
    assert Size.of(net, SHAPE) == whole


def test_target_out_of_reach_says_what_is_left() -> None:
    net = network("resnet20")
    target = Target.of(PruningSpec(target_bytes=100), Size.of(net, SHAPE), 1.0)
    with pytest.raises(TrainerError, match="bytes of weights remain") as caught:
        channels.prune(net, image_shape=SHAPE, target=target, criterion="magnitude")
    assert caught.value.error.code == "pruning_target_missed"


def test_channels_that_nothing_depends_on_go_first() -> None:
    """Half of a layer's channels are silenced; magnitude finds them."""
    net = network("resnet20")
    block = net.layer3[0]
    with torch.no_grad():
        block.conv1.weight[::2] = 0
        block.bn1.weight[::2] = 0
        block.bn1.bias[::2] = 0
        block.conv2.weight[:, ::2] = 0
    kept = block.conv1.weight[1::2].clone()
    images = torch.randn(2, *SHAPE)
    with torch.no_grad():
        before = net(images)
    target = Target(macs=0.96 * Size.of(net, SHAPE).macs, weight_bytes=None)
    net = channels.prune(net, image_shape=SHAPE, target=target, criterion="magnitude")
    assert torch.equal(net.layer3[0].conv1.weight, kept)
    with torch.no_grad():
        assert torch.allclose(net(images), before, atol=1e-4)


def conv_widths(net: torch.nn.Module) -> list[int]:
    return [module.out_channels for module in net.modules() if isinstance(module, torch.nn.Conv2d)]
