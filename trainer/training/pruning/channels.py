"""Whole channels removed from a network, the least important first, until it is small enough.

What hangs together (a channel, its batch norm, all that reads it, and across additions) is found by torch-pruning's
dependency graph (Fang et al. 2023, arXiv 2301.12900). Importance is compared over the whole network; the score of a
group is the mean over its layers, divided by the mean of the layer, as that library has it.
"""

import copy
import warnings
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import torch
import torch_pruning
from torch import nn

from contract.specs import PruningSpec
from trainer import models
from trainer.errors import ended
from trainer.models import stages

# Processors multiply int8 in groups of four; a layer of an odd width pays for the next multiple of four.
ROUND_TO = 4
MOST_OF_A_LAYER = 0.9  # may go: a layer of no channels is no layer


@dataclass(frozen=True)
class Size:
    macs: int
    weight_bytes: int

    @classmethod
    def of(cls, network: nn.Module, image_shape: tuple[int, int, int]) -> "Size":
        return cls(models.count_macs(network, image_shape), 4 * models.count_parameters(network))


@dataclass(frozen=True)
class Target:
    """At most so much; None where it does not matter."""

    macs: float | None
    weight_bytes: float | None

    @classmethod
    def of(cls, spec: PruningSpec, unpruned: Size, share: float) -> "Target":
        """What may be left when `share` of the way is gone, equal factors for equal shares."""
        if spec.target_macs_share is not None:
            return cls(unpruned.macs * spec.target_macs_share**share, None)
        factor = min(1.0, (spec.target_bytes or 1) / unpruned.weight_bytes)
        return cls(None, unpruned.weight_bytes * factor**share)

    def met_by(self, size: Size) -> bool:
        return (self.macs is None or size.macs <= self.macs) and (
            self.weight_bytes is None or size.weight_bytes <= self.weight_bytes
        )


@dataclass(frozen=True)
class Block:
    """Channels that go together, so that the width of a layer stays a multiple."""

    layer: str  # whose outputs they are
    channels: list[int]
    importance: float


def prune(network: nn.Module, *, image_shape: tuple[int, int, int], target: Target, criterion: str) -> nn.Module:
    """A network that meets the target, as wide as that allows. Taylor reads the gradients that the weights have.

    The network is in evaluation mode, on the CPU. Raises TrainerError where the target cannot be met.
    """
    if target.met_by(Size.of(network, image_shape)):
        return network
    blocks = _by_importance(network, image_shape, criterion)
    too_few, enough = 0, len(blocks)
    smallest = without(network, blocks, image_shape)
    if not target.met_by(size := Size.of(smallest, image_shape)):
        left = f"{size.macs:,} multiply-adds and {size.weight_bytes:,} bytes of weights"
        message = f"The network cannot be pruned that far: at least {left} remain."
        raise ended("pruning_target_missed", message)
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        narrower = without(network, blocks[:middle], image_shape)
        if target.met_by(Size.of(narrower, image_shape)):
            smallest, enough = narrower, middle
        else:
            too_few = middle
    return smallest


def without(network: nn.Module, blocks: list[Block], image_shape: tuple[int, int, int]) -> nn.Module:
    """A copy that lacks these channels, and whatever hangs on them."""
    copied = copy.deepcopy(network)
    going: dict[str, list[int]] = {}
    for block in blocks:
        going.setdefault(block.layer, []).extend(block.channels)
    graph = _graph(copied, image_shape)
    for layer, channels in going.items():
        module = copied.get_submodule(layer)
        graph.get_pruning_group(module, graph.get_pruner_of_module(module).prune_out_channels, channels).prune()
    return copied


def _by_importance(network: nn.Module, image_shape: tuple[int, int, int], criterion: str) -> list[Block]:
    """What can go, the least important first."""
    importances = torch_pruning.importance
    taylor = criterion == "taylor"
    measure = importances.GroupTaylorImportance() if taylor else importances.GroupMagnitudeImportance(p=2)
    names = {module: name for name, module in network.named_modules()}
    last, blocks = stages.last_layer(network), []
    groups = _graph(network, image_shape).get_all_groups([last], [nn.modules.conv._ConvNd, nn.Linear])  # noqa: SLF001
    for group in groups:
        scores = measure(group)
        layer = names[group[0].dep.target.module]
        together = _together(scores.argsort(stable=True).tolist())
        blocks += [Block(layer, channels, float(scores[channels].mean())) for channels in together]
    return sorted(blocks, key=lambda block: block.importance)


def _together(channels: list[int]) -> list[list[int]]:
    """In blocks that leave multiples of ROUND_TO; the last of a layer stay."""
    width = len(channels)
    least = ROUND_TO * ceil(max(1, (1 - MOST_OF_A_LAYER) * width / ROUND_TO))
    edges = [0, *range(width % ROUND_TO or ROUND_TO, width - least + 1, ROUND_TO)]
    return [channels[start:end] for start, end in pairwise(edges)]


def _graph(network: nn.Module, image_shape: tuple[int, int, int]) -> torch_pruning.DependencyGraph:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it names parameters that belong to no layer; these networks have none
        return torch_pruning.DependencyGraph().build_dependency(network, torch.zeros(2, *image_shape))
