"""Where a network lies, and what holds for the whole process."""

import torch
from torch import nn

from tests.contract.test_allocator import PAGES, pages_cleared
from trainer.machine import device


def test_place_gives_the_module_itself_with_channels_last():
    network = nn.Conv2d(3, 4, kernel_size=3)
    before = network.weight.detach().clone()
    assert device.place(network, torch.device("cpu")) is network
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(network.weight, before)


def test_a_process_on_the_cpu_keeps_the_memory_of_a_step_for_the_next():
    assert pages_cleared("from trainer.machine import device; device.choose()") < PAGES / 2
