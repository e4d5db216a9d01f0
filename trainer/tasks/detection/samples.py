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
from trainer.data.pack import NOBODY, Pack

Target = dict[str, Any]  # boxes (n, 4) float32, x1, y1, x2, y2 in pixels of the training size; labels (n,)
PLACES = "places"  # in a target as it is read: where its tiles lie in the whole; of an image that is not cut, one
_SMALLEST_PX = 2.0  # a side of what a crop leaves of a box; below there is nothing to be seen
_LEAST_LEFT = 0.3  # of a box's area: less of it is no longer to be found


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
        return truth | {PLACES: [(0, 0, *self.contents[at])]}


def open_split(
    pack: Pack, split: Split, *, size: tuple[int, int], normalisation: Normalisation, device: torch.device, budget: int
) -> BoxedImages:
    rows = pack.rows(split)
    boxes, labels, contents = [], [], []
    for row in rows.tolist():
        corners, numbers = truth_of(pack, row)
        contents.append(pack.content_size(row, height=size[0], width=size[1]))
        scale = np.tile(np.array(contents[-1][::-1]) / pack.size(row)[::-1], 2)
        boxes.append(torch.from_numpy((corners * scale).astype(np.float32)).to(device))
        labels.append(torch.from_numpy(numbers).to(device))
    images = open_images(pack, rows, size=size, device=device, budget_bytes=budget)
    return BoxedImages(images, boxes, labels, contents, Normalise(normalisation, device))


def truth_of(pack: Pack, row: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The boxes of an image in its own pixels, (n, 4), and their labels; without those of classes that are NOBODY."""
    corners, numbers = (pack.table.column(name)[row].as_py() for name in ("boxes", "box_labels"))
    boxes, labels = np.array(corners, np.float64).reshape(-1, 4), np.array(numbers, np.int64)
    if pack.numbers is None:
        return boxes, labels
    known = pack.numbers[labels] != NOBODY
    return boxes[known], pack.numbers[labels][known]


def still_seen(boxes_n4: Tensor, labels_n: Tensor, size: tuple[int, int]) -> Target:
    """Boxes cut at the edge of an image or tile (height, width), without those of which little is left."""
    height, width = size
    limits = torch.tensor([width, height, width, height], dtype=boxes_n4.dtype, device=boxes_n4.device)
    cut_n4 = boxes_n4.clamp(min=0).minimum(limits)
    sides_n2, whole_n2 = cut_n4[:, 2:] - cut_n4[:, :2], boxes_n4[:, 2:] - boxes_n4[:, :2]
    seen_n = (sides_n2.amin(dim=1) >= _SMALLEST_PX) & (sides_n2.prod(dim=1) >= _LEAST_LEFT * whole_n2.prod(dim=1))
    return {"boxes": cut_n4[seen_n], "labels": labels_n[seen_n]}
