"""How unequal the classes of labels are."""

from typing import NamedTuple

from contract.pack.manifest import PackManifest

UNBALANCED_FROM = 10  # times as many training images of the largest class as of the smallest


class Balance(NamedTuple):
    """The largest and the smallest class that has training images at all, and how many."""

    largest: str
    most: int
    smallest: str
    least: int

    @property
    def is_unbalanced(self) -> bool:
        """So that the network will prefer the common classes."""
        return self.most >= UNBALANCED_FROM * self.least


def balance(manifest: PackManifest) -> Balance | None:
    """None of masks and boxes, whose images are not of one class each."""
    counts = {name: images for name, images in manifest.counts.get("train", {}).items() if images}
    if manifest.task != "classification" or not counts:
        return None
    largest, smallest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    return Balance(largest, counts[largest], smallest, counts[smallest])
