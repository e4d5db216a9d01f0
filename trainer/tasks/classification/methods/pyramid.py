"""The self-teacher of FRSKD: a bidirectional feature pyramid (BiFPNc) on the maps of a network's stages.

Deep maps are brought up to shallow ones, and the result down again, each level in twice the channels of its stage.
Where paths meet they are added by learnt weights, positive and of sum 1 [V]. Sizes are matched by nearest-neighbour
copies on the way up and by the maximum on the way down, to the exact size, so that maps may be as small as 1x1 [I].
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.tasks.classification.methods.heads import Shape, at_least_single, pointwise, pool, precision_of, separable

WIDTH = 2  # times the channels of the stage [V]
EPSILON = 1e-6


class Pyramid(nn.Module):
    def __init__(self, shapes: tuple[Shape, ...], classes: int) -> None:
        super().__init__()
        widths = [WIDTH * channels for channels, *_ in shapes]
        levels, deepest = range(len(shapes)), len(shapes) - 1
        self.laterals = nn.ModuleList(pointwise(shapes[level][0], widths[level]) for level in levels)
        self.skips = nn.ModuleList(pointwise(shapes[level][0], widths[level]) for level in levels[1:])
        self.up = nn.ModuleList(_Meeting(widths[level], widths[level + 1], paths=2) for level in levels[:-1])
        self.down = nn.ModuleList(
            _Meeting(widths[level], widths[level - 1], paths=2 if level == deepest else 3) for level in levels[1:]
        )
        self.linear = nn.Linear(widths[-1], classes)

    def forward(self, maps: tuple[Tensor, ...]) -> tuple[list[Tensor], Tensor]:
        """The refined maps, sized as the stages', and the logits (B, K)."""
        with precision_of(maps[0]):
            laterals = [lateral(each) for lateral, each in zip(self.laterals, maps, strict=True)]
            refined = self._downwards(maps, self._upwards(laterals))
            logits_BK = self.linear(pool(refined[-1]))
        return [at_least_single(each) for each in refined], at_least_single(logits_BK)

    def _upwards(self, laterals: list[Tensor]) -> list[Tensor]:
        """From deep to shallow; the deepest level has nothing above it. Shallow first."""
        found = laterals[-1:]
        for meeting, lateral in zip(reversed(self.up), reversed(laterals[:-1]), strict=True):
            grown = functional.interpolate(found[0], size=lateral.shape[-2:], mode="nearest")
            found.insert(0, meeting([lateral], grown))
        return found

    def _downwards(self, maps: tuple[Tensor, ...], upwards: list[Tensor]) -> list[Tensor]:
        """From shallow to deep. The deepest level meets its own stage and the level before it alone."""
        found = upwards[:1]
        for level, (meeting, skip) in enumerate(zip(self.down, self.skips, strict=True), start=1):
            shrunk = functional.adaptive_max_pool2d(found[-1], maps[level].shape[-2:])
            own = [skip(maps[level]), upwards[level]]
            found.append(meeting(own if level < len(maps) - 1 else own[:1], shrunk))
        return found


class _Meeting(nn.Module):
    """Maps of one level, and one that comes from a neighbouring level, added by weights and convolved twice [V]."""

    def __init__(self, channels: int, neighbour_channels: int, *, paths: int) -> None:
        super().__init__()
        self.adapt = pointwise(neighbour_channels, channels)
        self.weights = nn.Parameter(torch.ones(paths))
        self.convolutions = nn.Sequential(separable(channels, channels), separable(channels, channels))

    def forward(self, own: list[Tensor], neighbour: Tensor) -> Tensor:
        weights = self.weights.relu()
        shares = weights / (weights.sum() + EPSILON)
        paths = [*own, self.adapt(neighbour)]
        return self.convolutions(sum(share * path for share, path in zip(shares, paths, strict=True)))
