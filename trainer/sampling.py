"""Which images a step sees: a pure function of (seed, epoch), so that a resumed run sees what it would have seen.

Every method sees 2n images a step. One that needs pairs gets n anchors, each with a partner of its class; the others
get two independent passes over the images. numpy, vectorised: a million images are paired in about a tenth of a second.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from trainer import randomness

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class ClassIndex:
    """Where each class's images are, for drawing partners by arithmetic."""

    by_class: Indices  # positions sorted by label
    place: Indices  # of each position within its class
    start: Indices  # of each position's class in by_class
    count: Indices  # of images in each position's class

    @classmethod
    def of(cls, labels: Indices) -> Self:
        by_class = np.argsort(labels, kind="stable")
        counts = np.bincount(labels)
        starts = np.cumsum(counts) - counts
        place = np.empty_like(by_class)
        place[by_class] = np.arange(len(labels)) - starts[labels[by_class]]
        return cls(by_class=by_class, place=place, start=starts[labels], count=counts[labels])

    def partners(self, random: np.random.Generator) -> Indices:
        """For each position another one of its class, uniformly; itself where the class has no other."""
        others = self.count - 1
        draw = (random.random(len(others)) * others).astype(np.int64)
        draw += (draw >= self.place) & (others > 0)
        return self.by_class[self.start + draw]


@dataclass(frozen=True)
class Sampler:
    seed: int
    pairs_per_batch: int
    index: ClassIndex
    needs_pairs: bool

    def epoch(self, epoch: int) -> Indices:
        """Positions of a whole epoch (counted from 0) as (2, images): first members, second members."""
        random = randomness.generator(self.seed, randomness.Stream.ORDER, epoch)
        first = random.permutation(len(self.index.place))
        second = self.index.partners(random)[first] if self.needs_pairs else random.permutation(len(first))
        return np.stack([first, second])

    def batch(self, positions: Indices, step_in_epoch: int) -> Indices:
        """One step of an epoch's positions: n first members, then their n second members, (2n,)."""
        start = step_in_epoch * self.pairs_per_batch
        return positions[:, start : start + self.pairs_per_batch].reshape(-1)
