"""A split of classification: images with a label each. Shapes: B batch."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contract.pack.manifest import Split
from contract.specs.normalisation import Normalisation
from trainer.augmentation.normalise import Normalise
from trainer.data.images import Images, open_images
from trainer.data.pack import Pack


@dataclass(frozen=True)
class LabelledImages:
    """A split of classification: images with a label each."""

    images: Images
    labels: NDArray[np.int64]
    normalise: Normalise

    @property
    def resident(self) -> bool:
        return self.images.resident

    @property
    def cached_bytes(self) -> int:
        return self.images.cached_bytes

    @cached_property
    def _labels_N(self) -> Tensor:
        return torch.from_numpy(self.labels).to(self.normalise.mean.device)

    def __len__(self) -> int:
        return len(self.labels)

    def fetch(self, positions: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        where_B = torch.from_numpy(positions).to(self._labels_N.device, non_blocking=True)
        return self.images.fetch(positions), self._labels_N[where_B]


def open_split(
    pack: Pack, split: Split, *, size: tuple[int, int], normalisation: Normalisation, device: torch.device, budget: int
) -> LabelledImages:
    rows = pack.rows(split)
    images = open_images(pack, rows, size=size, device=device, budget_bytes=budget)
    return LabelledImages(images, pack.labels[rows], Normalise(normalisation, device))
