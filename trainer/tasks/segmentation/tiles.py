"""Images with masks, as tiles. Shapes: B batch, T tiles, C channels, H height, W width."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contract.pack.manifest import Split
from contract.specs.normalisation import Normalisation
from portable.preprocess import whole_size
from trainer.augmentation.normalise import Normalise
from trainer.data.pack import Crop, Pack
from trainer.data.tiles import Frame, TiledImages
from trainer.tasks.segmentation import samples
from trainer.tasks.segmentation.predictions import TiledMask
from trainer.tasks.segmentation.samples import MaskedImages


@dataclass(frozen=True)
class TiledMasks:
    images: TiledImages
    normalise: Normalise
    resident = False

    @property
    def cached_bytes(self) -> int:
        return self.images.cached_bytes

    def __len__(self) -> int:
        return len(self.images.rows)

    def fetch(self, positions: NDArray[np.int64]) -> tuple[Tensor, list[TiledMask]]:
        """All tiles of the images, (T, C, H, W) uint8, and the mask of each image as a whole."""
        pixels, grids = self.images.fetch_grids(positions)
        found = []
        for at, grid in grids:
            height, width = whole_size(grid)
            mask_HW1 = self._pack.read_mask(int(self.images.rows[at]), height=height, width=width)
            found.append(TiledMask(self._placed(mask_HW1[..., 0]), [tile.place for tile in grid]))
        return pixels, found

    def fetch_random(self, positions: NDArray[np.int64], draws: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
        """A tile anywhere in each image and its mask, (B, C, H, W) and (B, H, W). `draws`: (B, 3) in 0..1."""
        frame, rows = self.images.frame, self.images.rows
        crops = [frame.random(int(rows[at]), draw) for at, draw in zip(positions.tolist(), draws, strict=True)]
        return self._cropped(positions, crops)

    def fetch_telling(self, positions: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """A tile of each image, to be looked at."""
        grids = [self.images.grid(at) for at in positions.tolist()]
        return self._cropped(positions, [grid[len(grid) // 2].crop for grid in grids])

    def _cropped(self, positions: NDArray[np.int64], crops: list[Crop]) -> tuple[Tensor, Tensor]:
        frame, rows = self.images.frame, self.images.rows[positions].tolist()
        size = {"height": frame.height, "width": frame.width}
        pixels = self.images.fetch([(at, [crop]) for at, crop in zip(positions.tolist(), crops, strict=True)])
        masks = [self._pack.read_mask(row, **size, crop=crop)[..., 0] for row, crop in zip(rows, crops, strict=True)]
        return pixels, self._placed(np.stack(masks))

    @property
    def _pack(self) -> Pack:
        return self.images.frame.pack

    def _placed(self, masks: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(masks.copy()).to(self.normalise.mean.device)


AnyMaskedImages = MaskedImages | TiledMasks


def open_split(
    pack: Pack, split: Split, *, size: tuple[int, int], normalisation: Normalisation, device: torch.device, budget: int
) -> AnyMaskedImages:
    if pack.tiles is None:
        return samples.open_split(pack, split, size=size, normalisation=normalisation, device=device, budget=budget)
    images = TiledImages(Frame(pack, *size), pack.rows(split), device=device, budget_bytes=budget)
    return TiledMasks(images, Normalise(normalisation, device))
