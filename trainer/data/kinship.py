"""Who shares a class with whom, where an image shows several."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from trainer.data.sampling import ClassIndex, Indices


@dataclass(frozen=True)
class SharedClasses:
    """Partners are drawn class first [U]: one of an image's own, then another image that shows it.

    An image that shows nothing, or nothing that another one shows, is its own partner.
    """

    images: int
    owner: Indices  # of each (image, class) entry; entries are ordered by image
    label: Indices
    first: Indices  # of each image: its first entry
    count: Indices  # and how many it has

    @classmethod
    def of(cls, owner: Indices, label: Indices, *, images: int) -> Self:
        """From entries in the order of their owners; what all show, as a background, is not to be among them."""
        count = np.bincount(owner, minlength=images)
        return cls(images, owner, label, first=np.cumsum(count) - count, count=count)

    def __len__(self) -> int:
        return self.images

    def partners(self, random: np.random.Generator) -> Indices:
        entry, able = self._choose(random)
        found = np.arange(self.images)
        mates = ClassIndex.of(self.label).partners(random)
        found[able] = self.owner[mates[entry[able]]]
        return found

    def mates(self, random: np.random.Generator, count: int) -> Indices:
        """Rings of the images that chose the same class."""
        entry, able = self._choose(random)
        found = np.tile(np.arange(self.images), (count, 1))
        where = np.flatnonzero(able)
        found[:, where] = where[ClassIndex.of(self.label[entry[where]]).mates(random, count)]
        return found

    def _choose(self, random: np.random.Generator) -> tuple[Indices, np.ndarray]:
        """One entry of each image, and which images have any."""
        entry = self.first + (random.random(self.images) * self.count).astype(np.int64)
        return entry, self.count > 0
