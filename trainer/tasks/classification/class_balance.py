"""How much an image of a class weighs, so that rare classes count as much as common ones. Shapes: K classes."""

import numpy as np
import torch
from torch import Tensor

from contract.pack.manifest import Split
from trainer.data.pack import Pack


def weights(pack: Pack) -> Tensor:
    """(K,) float32: images / (classes shown * images of the class), whose mean over the training images is 1."""
    counts = np.bincount(pack.labels[pack.rows(Split.TRAIN)], minlength=len(pack.manifest.classes))
    shown = counts > 0
    found = np.zeros(len(counts), np.float32)
    found[shown] = counts.sum() / (shown.sum() * counts[shown])
    return torch.from_numpy(found)
