"""Images with boxes, as tiles. Shapes: B batch, T tiles, C channels, H height, W width, n boxes."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contract.pack.manifest import Split
from contract.specs.normalisation import Normalisation
from trainer.augmentation.normalise import Normalise
from trainer.data.pack import Crop, Pack
from trainer.data.tiles import Frame, TiledImages
from trainer.tasks.detection import samples
from trainer.tasks.detection.samples import PLACES, BoxedImages, Target, still_seen, truth_of

AROUND_A_BOX = 0.75  # of the tiles that are learnt from, where an image has boxes; the others lie anywhere


@dataclass(frozen=True)
class TiledBoxes:
    images: TiledImages
    boxes: list[NDArray[np.float64]]  # (n, 4) in pixels of the image
    labels: list[NDArray[np.int64]]
    normalise: Normalise
    resident = False

    @property
    def cached_bytes(self) -> int:
        return self.images.cached_bytes

    def __len__(self) -> int:
        return len(self.boxes)

    def fetch(self, positions: NDArray[np.int64]) -> tuple[Tensor, list[Target]]:
        """All tiles of the images, (T, C, H, W) uint8, and what is to be found in each image as a whole."""
        pixels, grids = self.images.fetch_grids(positions)
        found = []
        for at, grid in grids:
            (left, top, right, bottom), (_, _, height, width) = grid[0]
            scale = np.array([width / (right - left), height / (bottom - top)] * 2)
            found.append(self._target(at, self.boxes[at] * scale) | {PLACES: [tile.place for tile in grid]})
        return pixels, found

    def fetch_random(self, positions: NDArray[np.int64], draws: NDArray[np.float64]) -> tuple[Tensor, list[Target]]:
        """A tile of each image, (B, C, H, W) uint8, and what is to be found there. `draws`: (B, 3) in 0..1."""
        crops = [self._random(at, draw) for at, draw in zip(positions.tolist(), draws, strict=True)]
        return self._cropped(list(zip(positions.tolist(), crops, strict=True)))

    def fetch_telling(self, positions: NDArray[np.int64]) -> tuple[Tensor, list[Target]]:
        """The tile of each image that shows the most, to be looked at."""
        return self._cropped([(at, self._fullest(at)) for at in positions.tolist()])

    def _random(self, at: int, draws: NDArray[np.float64]) -> Crop:
        boxes, chosen = self.boxes[at], float(draws[0]) / AROUND_A_BOX
        shown = boxes[int(chosen * len(boxes))] if len(boxes) and chosen < 1 else None
        return self.images.frame.random(int(self.images.rows[at]), draws, shown)

    def _fullest(self, at: int) -> Crop:
        centres = (self.boxes[at][:, :2] + self.boxes[at][:, 2:]) / 2
        crops = [tile.crop for tile in self.images.grid(at)]
        return max(crops, key=lambda crop: int(((centres >= crop[:2]) & (centres < crop[2:])).all(axis=1).sum()))

    def _cropped(self, crops: list[tuple[int, Crop]]) -> tuple[Tensor, list[Target]]:
        frame = self.images.frame
        pixels, found = self.images.fetch([(at, [crop]) for at, crop in crops]), []
        for at, (left, top, right, bottom) in crops:
            rows, columns = frame.content((bottom - top, right - left))
            scale = np.array([columns / (right - left), rows / (bottom - top)] * 2)
            target = self._target(at, (self.boxes[at] - [left, top, left, top]) * scale)
            seen = still_seen(target["boxes"], target["labels"], (rows, columns))
            found.append(seen | {PLACES: [(0, 0, rows, columns)]})
        return pixels, found

    def _target(self, at: int, boxes: NDArray[np.float64]) -> Target:
        device = self.normalise.mean.device
        corners = torch.from_numpy(boxes.astype(np.float32)).to(device)
        return {"boxes": corners, "labels": torch.from_numpy(self.labels[at]).to(device)}


AnyBoxedImages = BoxedImages | TiledBoxes


def open_split(
    pack: Pack, split: Split, *, size: tuple[int, int], normalisation: Normalisation, device: torch.device, budget: int
) -> AnyBoxedImages:
    if pack.tiles is None:
        return samples.open_split(pack, split, size=size, normalisation=normalisation, device=device, budget=budget)
    rows = pack.rows(split)
    boxes, labels = zip(*(truth_of(pack, row) for row in rows.tolist()), strict=True) if len(rows) else ((), ())
    images = TiledImages(Frame(pack, *size), rows, device=device, budget_bytes=budget)
    return TiledBoxes(images, list(boxes), list(labels), Normalise(normalisation, device))
