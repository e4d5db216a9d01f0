"""Which images a step sees: a pure function of (seed, step), so that a resumed run sees what it would have seen.

A step is a table of positions, (members, groups): what stands in a column belongs together. Every method sees as many
images a step, however it arranges them. numpy, vectorised: a million images are paired in about a tenth of a second.
"""

from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from contract.specs import MethodSpec, Plan
from contract.specs.methods import SwappingSpec
from trainer.data import randomness

Indices = NDArray[np.int64]


class Kinship(Protocol):
    """Which training images may stand together in a step."""

    def __len__(self) -> int:
        """How many there are."""

    def partners(self, random: np.random.Generator) -> Indices:
        """For each position another one of its kin, uniformly; itself where it has none."""

    def mates(self, random: np.random.Generator, count: int) -> Indices:
        """For each position `count` of its kin, (count, positions), distinct where there are so many."""


@dataclass(frozen=True)
class ClassIndex:
    """Where each class's images are, for drawing partners by arithmetic."""

    by_class: Indices  # positions sorted by label
    place: Indices  # of each position within its class
    start: Indices  # of each position's class in by_class
    count: Indices  # of images in each position's class

    def __len__(self) -> int:
        return len(self.place)

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
        partners: Indices = self.by_class[self.start + draw]
        return partners

    def balanced(self, random: np.random.Generator) -> Indices:
        """As many positions as there are, in random order, each class equally often and so each image of a class.

        Where that does not divide evenly, chance says which classes and which images come once more.
        """
        firsts, counts = np.unique(np.stack([self.start, self.count]), axis=1)
        images, classes = len(self), len(firsts)
        quota = np.full(classes, images // classes)
        quota[random.permutation(classes)[: images % classes]] += 1
        ring = self._shuffled_within(random)
        turn = np.arange(quota.sum()) - np.repeat(np.cumsum(quota) - quota, quota)  # of each draw within its class
        drawn = ring[np.repeat(firsts, quota) + turn % np.repeat(counts, quota)]
        return random.permutation(drawn)

    def mates(self, random: np.random.Generator, count: int) -> Indices:
        """For each position `count` others of its class, (count, positions), distinct where the class has so many.

        Each class is shuffled into a ring and everyone takes those behind it, so that all are taken equally often.
        """
        order = self._shuffled_within(random)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order)) - self.start[order]
        return np.stack([order[self.start + (rank + step) % self.count] for step in range(1, count + 1)])

    def _shuffled_within(self, random: np.random.Generator) -> Indices:
        """All positions by class, in random order within each."""
        order: Indices = np.lexsort((random.random(len(self.place)), self.start))
        return order


@dataclass
class Sampler:
    seed: int
    plan: Plan
    method: MethodSpec
    index: Kinship
    balanced: ClassIndex | None = None  # draws every class equally often, instead of every image once
    _epoch: int = -1
    _order: Indices = field(default_factory=lambda: np.empty((2, 0), np.int64))

    def batch(self, step: int) -> Indices:
        """The positions of a step, (members, groups)."""
        epoch, within = divmod(step, self.plan.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self.epoch(epoch)
        start = within * self.plan.groups
        return self._order[:, start : start + self.plan.groups]

    def epoch(self, epoch: int) -> Indices:
        """Positions of a whole epoch (counted from 0), (members, images): the rows are first, second ... members."""
        random = randomness.generator(self.seed, randomness.Stream.ORDER, epoch)
        first = self._pass(random)
        match self.method.arrangement:
            case "passes":
                others = self._pass(random)[None]
            case "pairs":
                others = self._partners(random)[:, first]
            case "views":
                others = first[None]
            case "instances":
                others = self.index.mates(random, self.plan.members - 1)[:, first]
            case "previous":
                others = self._previous(first, epoch)[None]
        return np.concatenate([first[None], others])

    def _pass(self, random: np.random.Generator) -> Indices:
        return self.balanced.balanced(random) if self.balanced else random.permutation(len(self.index))

    def _partners(self, random: np.random.Generator) -> Indices:
        method = self.method
        if isinstance(method, SwappingSpec) and method.pair_sampling == "without_replacement":
            return self.index.mates(random, 1)
        return self.index.partners(random)[None]

    def _previous(self, first: Indices, epoch: int) -> Indices:
        """For each place in the order what stood there a step before; the very first step has only itself."""
        groups, before = self.plan.groups, first
        if epoch > 0:
            random = randomness.generator(self.seed, randomness.Stream.ORDER, epoch - 1)
            before = self._pass(random)[(self.plan.steps_per_epoch - 1) * groups :]
        return np.concatenate([before[:groups], first])[: len(first)]
