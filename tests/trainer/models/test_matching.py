"""Files of torchvision, timm and people's own classes fit our networks, with the same outputs; others are told."""

import pytest
import torch
from torch import nn

from contract.specs import ModelSpec
from trainer import models
from trainer.models import matching, timm_networks


def outline_of(architecture: str, **options) -> nn.Module:
    spec = ModelSpec(architecture=architecture, stem=options.pop("stem", "imagenet"), pretrained=None)
    return models.outline(spec, channels=options.pop("channels", 3))


def ours(architecture: str, *, classes: int = 5) -> nn.Module:
    spec = ModelSpec(architecture=architecture, stem="imagenet", pretrained=None)
    return models.build(spec, num_classes=classes, channels=3)


def settled(network: nn.Module) -> nn.Module:
    """With statistics and numbers of its own, so that a swapped pair of tensors shows; eps as torchvision has them."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
    return network.eval()


@pytest.mark.parametrize("architecture", timm_networks.TWINS)
def test_timms_weights_say_the_same_in_torchvisions_network(architecture: str) -> None:
    theirs = settled(timm_networks.create(timm_networks.TWINS[architecture], num_classes=5, channels=3))
    spec = ModelSpec(architecture=architecture, stem="imagenet", pretrained=None)
    by_name = dict(sorted(theirs.state_dict().items()))  # as a safetensors file has them
    match = matching.match(outline_of(architecture), by_name, *models.twins(spec, channels=3))
    network = settled(ours(architecture))
    matching.fill(network, match.tensors)
    assert match.share == 1.0
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network(images), theirs(images), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model."])
def test_prefixes_of_wrappers_are_dropped(prefix: str) -> None:
    tensors = {prefix + name: tensor for name, tensor in ours("resnet18").state_dict().items()}
    match = matching.match(outline_of("resnet18"), tensors)
    assert match.share == 1.0
    assert match.report.unexpected == []


def test_a_head_of_another_width_is_kept_as_it_is() -> None:
    match = matching.match(outline_of("resnet18"), ours("resnet18", classes=7).state_dict())
    assert match.tensors["fc.weight"].shape == (7, 512)
    assert "fc.weight" not in match.report.matched


def test_what_does_not_fit_is_told() -> None:
    tensors = dict(ours("resnet18").state_dict())
    del tensors["layer4.1.bn2.weight"]
    tensors["conv1.weight"] = torch.zeros(64, 3, 5, 5)
    tensors["teacher.weight"] = torch.zeros(3)
    match = matching.match(outline_of("resnet18"), tensors)
    assert match.report.missing == ["conv1.weight", "layer4.1.bn2.weight"]
    assert match.report.unexpected == ["conv1.weight", "teacher.weight"]
    assert match.share == pytest.approx(98 / 100)


def test_another_network_has_next_to_nothing() -> None:
    assert matching.match(outline_of("mobilenet_v2"), ours("resnet18").state_dict()).share < matching.LEAST_SHARE


def test_filling_with_strangers_is_refused() -> None:
    with pytest.raises(RuntimeError, match="it has no stranger"):
        matching.fill(nn.Linear(1, 1), {"stranger": torch.zeros(1)})
