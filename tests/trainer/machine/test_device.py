"""Where a network lies."""

import torch
from torch import nn

from trainer.machine import device


def test_place_gives_the_module_itself_with_channels_last():
    network = nn.Conv2d(3, 4, kernel_size=3)
    before = network.weight.detach().clone()
    assert device.place(network, torch.device("cpu")) is network
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(network.weight, before)
