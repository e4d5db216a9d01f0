"""Images with masks, at training size, on the device. Shapes: B batch, C channels, H height, W width."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contract.pack.manifest import Split
from contract.specs.normalisation import Normalisation
from trainer.augmentation.normalise import Normalise
from trainer.data.images import Images, open_images, open_masks
from trainer.data.pack import Pack


@dataclass(frozen=True)
class MaskedImages:
    images: Images
    masks: Images
    normalise: Normalise
    count: int
    resident = False  # masks are PNG files

    @property
    def cached_bytes(self) -> int:
        return self.images.cached_bytes + self.masks.cached_bytes

    def __len__(self) -> int:
        return self.count

    def fetch(self, positions: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) and masks (B, H, W), both uint8."""
        return self.images.fetch(positions), self.masks.fetch(positions)[:, 0]


def open_split(
    pack: Pack, split: Split, *, size: tuple[int, int], normalisation: Normalisation, device: torch.device, budget: int
) -> MaskedImages:
    rows = pack.rows(split)
    masks = open_masks(pack, rows, size=size, device=device, budget_bytes=budget // (1 + pack.manifest.channels))
    images = open_images(pack, rows, size=size, device=device, budget_bytes=budget - masks.cached_bytes)
    normalise = Normalise(normalisation, device)
    return MaskedImages(images, masks, normalise, len(rows))
