"""Which classes stand in which image and how much of each: a label, a mask's pixels or boxes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.pack.manifest import BACKGROUND, Pairability


@dataclass(frozen=True)
class Presence:
    """One entry for each class that an image shows; entries are in the order of images."""

    classes: list[str]
    images: int
    image: NDArray[np.int64]
    label: NDArray[np.int32]
    amount: NDArray[np.int64]

    def amounts(self, chosen: NDArray[np.bool_]) -> dict[str, int]:
        """Class name -> images, pixels or boxes, in the chosen images."""
        kept = chosen[self.image]
        totals = np.zeros(len(self.classes), np.int64)
        np.add.at(totals, self.label[kept], self.amount[kept])
        return dict(zip(self.classes, totals.tolist(), strict=True))

    def of_image(self, image: int) -> NDArray[np.int32]:
        """The classes of one image, in ascending order."""
        first, last = np.searchsorted(self.image, [image, image + 1])
        return self.label[first:last]

    def images_with(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """In how many of the chosen images each class stands."""
        return np.bincount(self.label[chosen[self.image]], minlength=len(self.classes))

    def rarest(self) -> NDArray[np.int32]:
        """The class of each image that stands in the fewest images; one beyond the last where it shows none."""
        frequency = self.images_with(np.ones(self.images, bool))
        order = np.lexsort((self.label, frequency[self.label], self.image))
        found = np.full(self.images, len(self.classes), np.int32)
        images, first = np.unique(self.image[order], return_index=True)
        found[images] = self.label[order][first]
        return found

    def pairability(self, training: NDArray[np.bool_]) -> Pairability:
        """The share of training images that show a class, not a background, which another training image shows."""
        counts = self.images_with(training)
        object_class = np.array([name.casefold() != BACKGROUND for name in self.classes])
        pairs = training[self.image] & ((counts >= 2) & object_class)[self.label]
        share = len(np.unique(self.image[pairs])) / max(int(training.sum()), 1)
        alone = np.flatnonzero((counts < 2) & object_class)
        return Pairability(share=float(share), unpairable_classes=[self.classes[at] for at in alone])


def of_labels(classes: list[str], label: NDArray[np.int32]) -> Presence:
    """One class for each image."""
    every = np.arange(len(label), dtype=np.int64)
    return Presence(classes, len(label), every, label, np.ones(len(label), np.int64))
