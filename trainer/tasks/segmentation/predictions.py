"""What a network says of masked images, reduced to tallies of each image: every figure is a ratio of their sums.

Shapes: N images, K classes, B batch, H height, W width, M bins of confidence.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contract.pack.manifest import IGNORE
from portable import segmentation
from trainer.machine.torchmetrics import functional
from trainer.statistics.reliability import BINS
from trainer.tasks.columns import Columns
from trainer.tasks.segmentation import boundary

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MaskPredictions(Columns):
    """Pixels that are nobody's are in none of these."""

    both: Counts  # (N, K) pixels of a class that are predicted as it
    truth: Counts  # (N, K) pixels of a class
    predicted: Counts  # (N, K)
    confusion: Counts  # (K, K) over all images: rows are the truth
    nll: Floats  # (N,) sum of -log p(truth) over the pixels, nats
    binned: Counts  # (N, M) pixels by the confidence of their prediction
    binned_confidence: Floats  # (N, M) sum of it
    binned_correct: Counts  # (N, M)
    boundary_f: Floats  # (N,) mean over the classes shown; nan where no class is

    @property
    def pixels(self) -> Counts:
        return self.truth.sum(axis=1)

    def only(self, places: list[int]) -> "MaskPredictions":
        """Of some of the images; the confusion stays that of all."""
        columns = {name: getattr(self, name)[places] for name in self.names() if name != "confusion"}
        return MaskPredictions(confusion=self.confusion, **columns)

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        return cls.concatenated(parts, confusion=np.sum([part.confusion for part in parts], axis=0))

    @classmethod
    def of(cls, logits_BKHW: Tensor, masks_BHW: Tensor) -> "MaskPredictions":
        log_BKHW = logits_BKHW.log_softmax(dim=1)
        confidence_BHW, predicted_BHW = log_BKHW.max(dim=1)
        judged_BHW = masks_BHW != IGNORE
        label_BHW = masks_BHW.long()
        own_BHW = log_BKHW.gather(1, label_BHW.where(judged_BHW, 0)[:, None]).squeeze(1)
        classes = logits_BKHW.shape[1]
        confusion_BKK = np.stack([_confusion(*one, classes) for one in zip(predicted_BHW, label_BHW, strict=True)])
        correct_BHW = predicted_BHW == label_BHW
        binned = _binned(confidence_BHW.exp().double(), correct_BHW, judged_BHW)
        return cls(
            np.diagonal(confusion_BKK, axis1=1, axis2=2).copy(),
            confusion_BKK.sum(axis=2),
            confusion_BKK.sum(axis=1),
            confusion_BKK.sum(axis=0),
            -(own_BHW.double() * judged_BHW).sum(dim=(1, 2)).cpu().numpy(),
            *binned,
            boundary.f_score(predicted_BHW, label_BHW, classes).cpu().numpy(),
        )


@dataclass(frozen=True)
class TiledMask:
    """What is true of an image that the network sees as tiles."""

    mask_HW: Tensor
    places: list[tuple[int, int, int, int]]  # of the tiles in it: top, left, height, width


def judge(logits_BKHW: Tensor, targets: Tensor | list[TiledMask]) -> MaskPredictions:
    """What a batch of logits is worth: of images with a mask each, or of all tiles of each target, merged."""
    if isinstance(targets, Tensor):
        return MaskPredictions.of(logits_BKHW, targets)
    said, found = iter(logits_BKHW.cpu().numpy()), []
    for target in targets:
        tiles = [
            segmentation.unpadded([logits_KHW], place[2:])
            for place, logits_KHW in zip(target.places, said, strict=False)
        ]
        (merged_KHW,) = segmentation.merged(tiles, target.places)
        logits_1KHW = torch.from_numpy(np.ascontiguousarray(merged_KHW))[None].to(target.mask_HW.device)
        found.append(MaskPredictions.of(logits_1KHW, target.mask_HW[None]))
    return MaskPredictions.joined(found)


def _confusion(predicted_HW: Tensor, label_HW: Tensor, classes: int) -> Counts:
    found = functional.multiclass_confusion_matrix(
        predicted_HW, label_HW, num_classes=classes, ignore_index=IGNORE, validate_args=False
    )
    return found.cpu().numpy().astype(np.int64)


def _binned(confidence_BHW: Tensor, correct_BHW: Tensor, judged_BHW: Tensor) -> tuple[Counts, Floats, Counts]:
    """Pixels, confidence and right predictions in bins of equal width, closed on the right, image by image."""
    images = len(confidence_BHW)
    bins = (confidence_BHW * BINS).ceil().long().sub(1).clamp(0, BINS - 1)
    cells = (bins + BINS * torch.arange(images, device=bins.device)[:, None, None])[judged_BHW]
    sums = [
        torch.bincount(cells, weights=weights, minlength=images * BINS).view(images, BINS).cpu().numpy()
        for weights in (None, confidence_BHW[judged_BHW], correct_BHW[judged_BHW].double())
    ]
    return sums[0].astype(np.int64), sums[1].astype(np.float64), sums[2].astype(np.int64)
