"""What mixup and CutMix share: two labels for an image, each with its weight. Shapes: B batch, K classes."""

import numpy as np
import torch
from torch import Tensor

from trainer.methods.method import Judged
from trainer.tasks.classification.methods.label_loss import LabelLoss


def partners(count: int, random: np.random.Generator, device: torch.device) -> Tensor:
    """A permutation of a part's images, (B,): an image may meet itself, as in the sources."""
    return torch.from_numpy(random.permutation(count)).to(device, non_blocking=True)


def mixed(label_loss: LabelLoss, logits_BK: Tensor, labels_B: Tensor, others_B: Tensor, share: float) -> Judged:
    """The cross-entropies with both labels, by share and 1 - share. Accuracy is of the label that has the larger."""
    own, other = (label_loss(logits_BK, labels) for labels in (labels_B, others_B))
    loss = share * own + (1 - share) * other
    larger_B = labels_B if share >= 0.5 else others_B
    return Judged({"loss": loss, "ce_loss": loss.detach()}, logits_BK, larger_B)
