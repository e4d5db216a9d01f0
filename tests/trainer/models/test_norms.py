"""Frozen batch norm: neither training mode nor a step moves it; nothing else is touched."""

import copy

import pytest
import torch
from torch import nn

from contract.specs import ModelSpec
from trainer import models
from trainer.models import norms


def network() -> nn.Module:
    torch.manual_seed(0)
    return models.build(ModelSpec(architecture="resnet20", stem="small", pretrained=None), num_classes=4, channels=3)


def trained(model: nn.Module) -> nn.Module:
    """After two steps in training mode, entered as the loop and a validation enter it."""
    model.eval()
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        model(3 * torch.rand(8, 3, 16, 16)).square().sum().backward()
        optimizer.step()
    return model


def moved(before: nn.Module, after: nn.Module) -> set[str]:
    old = before.state_dict()
    return {name for name, tensor in after.state_dict().items() if not torch.equal(tensor, old[name])}


STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@pytest.mark.parametrize("affine", [False, True])
def test_frozen_norms_keep_their_statistics_and_if_asked_their_scale(affine):
    model = network()
    before = copy.deepcopy(model)
    norms.freeze(model, affine=affine, head=())
    changed = moved(before, trained(model))
    assert not [name for name in changed if name.endswith(STATISTICS)]
    assert ("bn1.weight" not in changed) == affine
    assert "conv1.weight" in changed
    assert set(model.state_dict()) == set(before.state_dict())


def test_without_freezing_statistics_move():
    model = network()
    assert "bn1.running_mean" in moved(copy.deepcopy(model), trained(model))


def test_norms_of_the_head_learn():
    model = network()
    before = copy.deepcopy(model)
    norms.freeze(model, affine=True, head=("layer3",))
    changed = moved(before, trained(model))
    assert {"layer3.0.bn1.running_mean", "layer3.0.bn1.weight"} <= changed
    assert not [name for name in changed if name.startswith(("bn1", "layer1", "layer2")) and "bn" in name]


def test_a_copy_stays_frozen_and_a_network_of_any_kind_of_batch_norm_freezes():
    class OfALibrary(nn.BatchNorm2d):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images).relu()

    model = nn.Sequential(nn.Conv2d(3, 4, 1), OfALibrary(4))
    norms.freeze(model, affine=False, head=())
    copied = copy.deepcopy(model).train()
    assert not copied[1].training
    assert isinstance(copied[1], OfALibrary)
    assert (copied(torch.randn(2, 3, 4, 4)) >= 0).all()


@pytest.mark.parametrize("architecture", ["mobilenet_v3_small", "mobilenet_v2", "efficientnet_b0", "resnet20"])
def test_after_fifty_steps_a_network_of_ours_evaluates_with_the_statistics_of_its_images(architecture: str) -> None:
    torch.manual_seed(0)
    network = models.build(ModelSpec(architecture=architecture, stem="small"), num_classes=3, channels=3)
    norms.follow(network)
    images = torch.randn(16, 3, 32, 32) * 3 + 5
    seen: list[torch.Tensor] = []
    first = next(module for module in network.modules() if isinstance(module, nn.BatchNorm2d))
    first.register_forward_pre_hook(lambda _module, given: seen.append(given[0].mean(dim=(0, 2, 3))))
    with torch.no_grad():
        for _ in range(50):
            network(images)
    apart = (first.running_mean - seen[-1]).abs().max() / seen[-1].abs().max()
    assert apart < 0.01
    assert all(m.momentum >= 0.1 for m in network.modules() if isinstance(m, nn.BatchNorm2d))
