"""Layers that methods train beside the network, on the maps at the ends of its stages. They are never exported.

They work for every network and image size: a block brings a map to the channels, height and width of the next stage's,
whatever those are. Blocks are depthwise separable, which keeps heads far smaller than the network. Blocks, strides and
widths are our choice [U]. Shapes: B batch, C channels, H height, W width, K classes.
"""

from contextlib import AbstractContextManager
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

Shape = tuple[int, int, int]  # channels, height, width of a stage's map


class Head(nn.Module):
    """A classifier on the map of a stage, which it first carries to the shape of the last stage's."""

    def __init__(self, shapes: tuple[Shape, ...], classes: int) -> None:
        """`shapes` are those of the stage itself and of all deeper ones."""
        super().__init__()
        self.blocks = nn.Sequential(*(_Block(shallow, deep) for shallow, deep in pairwise(shapes)))
        self.linear = nn.Linear(shapes[-1][0], classes)

    def forward(self, map_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """The map in its last shape, and the logits (B, K)."""
        with precision_of(map_BCHW):
            carried_BCHW = self.blocks(map_BCHW)
            logits_BK = self.linear(pool(carried_BCHW))
        return at_least_single(carried_BCHW), at_least_single(logits_BK)


def shallow_heads(shapes: tuple[Shape, ...], classes: int) -> nn.ModuleList:
    """A head for every stage but the last, whose classifier is the network's own."""
    return nn.ModuleList(Head(shapes[stage:], classes) for stage in range(len(shapes) - 1))


def separable(in_channels: int, channels: int, *, stride: tuple[int, int] = (1, 1)) -> nn.Sequential:
    """A depthwise 3x3 and a pointwise convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 3, stride=stride, padding=1, groups=in_channels, bias=False),
        nn.Conv2d(in_channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )


def pointwise(in_channels: int, channels: int) -> nn.Sequential:
    """A 1x1 convolution, batch norm, ReLU."""
    return nn.Sequential(nn.Conv2d(in_channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())


def pool(map_BCHW: Tensor) -> Tensor:
    """The mean over positions, (B, C)."""
    return map_BCHW.mean((2, 3))


def precision_of(map_BCHW: Tensor) -> AbstractContextManager[None]:
    """Heads compute in the precision of the map they read: in bf16 where the network does."""
    enabled = map_BCHW.dtype == torch.bfloat16
    return torch.autocast(map_BCHW.device.type, dtype=torch.bfloat16, enabled=enabled)


def at_least_single(values: Tensor) -> Tensor:
    """In float32 for a loss, or in float64 where it is that."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


class _Block(nn.Module):
    """Two separable convolutions from one stage's shape to the next one's."""

    def __init__(self, shallow: Shape, deep: Shape) -> None:
        super().__init__()
        channels, self._size = deep[0], deep[1:]
        rows, columns = (max(1, round(before / after)) for before, after in zip(shallow[1:], deep[1:], strict=True))
        self.convolutions = nn.Sequential(
            separable(shallow[0], channels, stride=(rows, columns)), separable(channels, channels)
        )

    def forward(self, map_BCHW: Tensor) -> Tensor:
        carried_BCHW = self.convolutions(map_BCHW)
        if carried_BCHW.shape[-2:] == self._size:
            return carried_BCHW
        return functional.adaptive_avg_pool2d(carried_BCHW, self._size)
