"""Cross-entropy with labels, in which an image may weigh what its class does. Shapes: B batch, K classes."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class LabelLoss(nn.Module):
    """The mean over a part's images of weight * -log p of the label, in nats; plain cross-entropy without weights.

    A mean over images, not over weights as torch's own: so it does not depend on how a step is divided.
    """

    weights_K: Tensor | None

    def __init__(self, weights_K: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("weights_K", weights_K, persistent=False)

    def forward(self, logits_BK: Tensor, labels_B: Tensor) -> Tensor:
        if self.weights_K is None:
            return functional.cross_entropy(logits_BK, labels_B)
        each_B = functional.cross_entropy(logits_BK, labels_B, reduction="none")
        return (self.weights_K[labels_B] * each_B).mean()

    def soft(self, logits_BK: Tensor, targets_BK: Tensor, labels_B: Tensor) -> Tensor:
        """The same against a distribution for each image, which weighs as its label does."""
        each_B = -(targets_BK * functional.log_softmax(logits_BK, dim=1)).sum(dim=1)
        if self.weights_K is not None:
            each_B = self.weights_K[labels_B] * each_B
        return torch.mean(each_B)
