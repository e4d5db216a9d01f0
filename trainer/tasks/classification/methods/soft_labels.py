"""Labels that leave something to the other classes, and cross-entropy with them. Shapes: B batch, K classes."""

import torch
from torch import Tensor
from torch.nn import functional


def smoothed_labels(labels_B: Tensor, logits_BK: Tensor, smoothing: float) -> Tensor:
    """1 - smoothing on the label, the rest shared by the other classes: (B, K), for logits of this shape and type.

    torch's own `label_smoothing` shares it among all, the label too.
    """
    others = smoothing / (logits_BK.shape[1] - 1)
    return torch.full_like(logits_BK, others, requires_grad=False).scatter_(1, labels_B[:, None], 1 - smoothing)


def soft_cross_entropy(logits_BK: Tensor, targets_BK: Tensor) -> Tensor:
    """Mean over the batch of -sum_k target_k log softmax(z)_k, in nats. Targets may have any sum."""
    return -(targets_BK * functional.log_softmax(logits_BK, dim=1)).sum(dim=1).mean()


def without_target(values_BK: Tensor, labels_B: Tensor) -> Tensor:
    """The values of all classes but each row's label, in order: (B, K - 1). By indices, so that no GPU must wait."""
    others = torch.arange(values_BK.shape[1] - 1, device=values_BK.device).expand(len(values_BK), -1)
    return values_BK.gather(1, others + (others >= labels_B[:, None]))


def of_target(values_BK: Tensor, labels_B: Tensor) -> Tensor:
    """Each row's value of its label, (B,)."""
    return values_BK.gather(1, labels_B[:, None]).squeeze(1)
