"""Batch norms of torch and of timm share their statistics: a team of one gives what the norm alone gives."""

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import distributed, nn

from trainer.machine.synchronised_norm import SharedBatchNorm2d, synchronise_batch_norm
from trainer.machine.vision import torchvision  # noqa: F401 - prepares what timm imports

from timm.layers import BatchNormAct2d  # isort: skip


@pytest.fixture
def team(tmp_path: Path) -> Iterator[None]:
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'team'}", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(6), BatchNormAct2d(6, act_layer=nn.ReLU6)])
@pytest.mark.parametrize("training", [True, False])
def test_a_team_of_one_has_the_norm_itself(team: None, norm: nn.Module, training: bool) -> None:
    torch.manual_seed(0)
    alone = nn.Sequential(nn.Conv2d(3, 6, 3), copy.deepcopy(norm)).train(training)
    shared = copy.deepcopy(alone)
    synchronise_batch_norm(shared)
    assert isinstance(shared[1], SharedBatchNorm2d)
    images = torch.randn(4, 3, 9, 9) * 3 + 1
    outputs = [network(images) for network in (alone, shared)]
    for output in outputs:
        output.square().sum().backward()
    assert torch.allclose(*outputs, atol=1e-5)
    for mine, theirs in zip(alone.parameters(), shared.parameters(), strict=True):
        assert torch.allclose(mine.grad, theirs.grad, rtol=1e-4, atol=1e-3)
    for mine, theirs in zip(alone.buffers(), shared.buffers(), strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-5)
