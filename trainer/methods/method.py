"""What every training objective is, what it is given, and what it answers. The loop knows none of them by name.

Shapes: B = members * groups images of a part of a step, first all first members, then all second ones; C channels,
H height, W width, K classes, F features. What targets and outputs are, the task says (`trainer.tasks.protocol`).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn

from trainer.methods.network import Network


class Draw(NamedTuple):
    """The random numbers of a step, which of its groups are at hand, and how far the training is.

    Draw for all `groups`, then take those of `part`: so the numbers do not depend on how a step is divided.
    """

    random: np.random.Generator
    groups: int
    part: slice
    progress: float  # of the training, 0 to 1, before the step


@dataclass(frozen=True)
class Batch:
    images_BCHW: Tensor  # float, normalised, channels last
    targets: Any  # of the task
    positions_B: Tensor  # of the images among the training images
    members: int
    step: int  # counted from 0, like the epoch
    epoch: float  # with the fraction of it that is done
    epochs: int
    part: int  # which part of the step this is; 0 where it is undivided
    draw: Draw  # the method's own stream, where `prepare` left it

    @property
    def labels_B(self) -> Tensor:
        """Classification's targets."""
        return self.targets


class Judged(NamedTuple):
    """`losses` holds `loss`, which is minimised, and the terms to report: scalars. Metrics are taken of the outputs."""

    losses: dict[str, Tensor]
    outputs: Any
    targets: Any


@dataclass(frozen=True)
class Dimensions:
    """What a method that brings layers or tables of its own must know of the network and the data."""

    classes: int
    samples: int  # training images
    groups: int  # of a step, before it is divided
    features: int  # F, what the last layer reads
    stages: tuple[tuple[int, int, int], ...]  # channels, height, width of each stage's map at the training size
    class_weights: Tensor | None = None  # (K,), where a rare class counts as much as a common one


class Method(nn.Module):
    """An objective. Submodules are heads, trained beside the network; buffers are state. Neither is ever exported."""

    reads_features = False  # whether `Outputs.features_BF` is wanted
    reads_stages = False  # whether `Outputs.stages` is

    def prepare(self, images_BCHW: Tensor, targets: Any, draw: Draw) -> None:
        """Change augmented uint8 images and their targets in place, before normalisation. Most leave them alone."""

    def judge(self, batch: Batch, network: Network) -> Judged:
        """Run the network on the images and judge what it says."""
        raise NotImplementedError
