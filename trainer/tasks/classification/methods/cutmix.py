"""CutMix (Yun et al. 2019): a box of another image is pasted in, and the labels are mixed by area.

lam ~ Beta(a, a), a = 1;  box of H sqrt(1 - lam) by W sqrt(1 - lam), centre uniform, clipped to the image;
lam := 1 - area / (H W);  loss = lam CE(z, y) + (1 - lam) CE(z, y[pi]);  applied to every batch                [V]

How a side is rounded (down) and where the odd pixel goes is ours [U]. One box a step; pi permutes the images of the
part at hand, so where a step is divided an image meets others than in an undivided one.
"""

from math import sqrt

import numpy as np
from torch import Tensor

from contract.specs.methods import CutMixSpec
from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.classification.methods import mixing
from trainer.tasks.classification.methods.label_loss import LabelLoss


class CutMix(Method):
    def __init__(self, spec: CutMixSpec, class_weights: Tensor | None = None) -> None:
        super().__init__()
        self._label_loss = LabelLoss(class_weights)
        self._alpha = spec.alpha

    def judge(self, batch: Batch, network: Network) -> Judged:
        images_BCHW, labels_B, random = batch.images_BCHW.clone(), batch.labels_B, batch.draw.random
        height, width = images_BCHW.shape[-2:]
        rows, columns = draw_box(height, width, alpha=self._alpha, random=random)
        chosen_B = mixing.partners(len(labels_B), random, labels_B.device)
        images_BCHW[..., rows, columns] = batch.images_BCHW[..., rows, columns][chosen_B]
        share = 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
        logits_BK = network(images_BCHW).logits_BK
        return mixing.mixed(self._label_loss, logits_BK, labels_B, labels_B[chosen_B], share)


def draw_box(height: int, width: int, *, alpha: float, random: np.random.Generator) -> tuple[slice, slice]:
    """The rows and columns that are pasted; empty where lam is close to 1."""
    cut = sqrt(1 - random.beta(alpha, alpha))
    return _interval(height, int(height * cut), random), _interval(width, int(width * cut), random)


def _interval(side: int, length: int, random: np.random.Generator) -> slice:
    start = int(random.integers(side)) - length // 2
    return slice(max(0, start), min(side, start + length))
