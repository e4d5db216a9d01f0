"""Images with boxes, at training size, on the device. Shapes: B batch, C channels, H height, W width, n boxes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contract.pack.manifest import Split
from contract.specs.normalisation import Normalisation
from trainer.augmentation.normalise import Normalise
from trainer.data.images import Images, open_images
from trainer.data.pack import Pack

Target = dict[str, Any]  # boxes (n, 4) float32, x1, y1, x2, y2 in pixels of the training size; labels (n,)
CONTENT = "content"  # in a target as it is read: height and width that the image takes of the training size


@dataclass(frozen=True)
class BoxedImages:
    images: Images
    boxes: list[Tensor]
    labels: list[Tensor]
    contents: list[tuple[int, int]]
    normalise: Normalise
    resident = False  # targets are lists, made anew for each batch

    @property
    def cached_bytes(self) -> int:
        return self.images.cached_bytes

    def __len__(self) -> int:
        return len(self.boxes)

    def fetch(self, positions: NDArray[np.int64]) -> tuple[Tensor, list[Target]]:
        """Images (B, C, H, W) uint8 and what is to be found in each."""
        return self.images.fetch(positions), [self._target(at) for at in positions.tolist()]

    def _target(self, at: int) -> Target:
        truth = {"boxes": self.boxes[at].clone(), "labels": self.labels[at].clone()}
        return truth | {CONTENT: self.contents[at]}


def open_split(
    pack: Pack, split: Split, *, size: tuple[int, int], normalisation: Normalisation, device: torch.device, budget: int
) -> BoxedImages:
    rows = pack.rows(split)
    boxes, labels, contents = [], [], []
    for row in rows.tolist():
        corners, numbers = (pack.table.column(name)[row].as_py() for name in ("boxes", "box_labels"))
        stored = [pack.table.column(name)[row].as_py() for name in ("width", "height")]
        contents.append(pack.content_size(row, height=size[0], width=size[1]))
        scale = np.tile(np.array(contents[-1][::-1]) / stored, 2)
        scaled = np.array(corners, np.float64).reshape(-1, 4) * scale
        boxes.append(torch.from_numpy(scaled.astype(np.float32)).to(device))
        labels.append(torch.tensor(numbers, dtype=torch.int64, device=device))
    images = open_images(pack, rows, size=size, device=device, budget_bytes=budget)
    return BoxedImages(images, boxes, labels, contents, Normalise(normalisation, device))
