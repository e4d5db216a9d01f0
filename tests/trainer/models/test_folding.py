"""Branches are folded into one convolution each, and the network says what it said."""

import pytest
import torch
from torch import nn

from contract.specs import ModelSpec
from trainer import models
from trainer.models import folding


@pytest.mark.parametrize("stem", ["small", "imagenet"])
def test_a_folded_network_says_the_same(stem: str) -> None:
    torch.manual_seed(0)
    network = models.build(ModelSpec(architecture="mobileone_s0", stem=stem), num_classes=10, channels=3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    images = torch.randn(2, 3, 64, 64)
    folded = folding.folded(network.eval())
    with torch.no_grad():
        said, expected = folded(images), network(images)
    scale = expected.std()  # of this network with drawn norms, far from 1
    torch.testing.assert_close(said / scale, expected / scale, rtol=0, atol=1e-4)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert models.count_parameters(folded) < 0.3 * models.count_parameters(network)
    assert folded.stage_ends == network.stage_ends


def test_others_stay_as_they_are() -> None:
    network = models.build(ModelSpec(architecture="resnet20", stem="small"), num_classes=10, channels=3)
    assert folding.folded(network) is network
