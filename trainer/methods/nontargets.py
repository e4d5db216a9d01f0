"""The classes that are not the label, apart from it. Shapes: B batch, K classes."""

import torch
from torch import Tensor


def without_target(values_BK: Tensor, labels_B: Tensor) -> Tensor:
    """The values of all classes but each row's label, in order: (B, K - 1). By indices, so that no GPU must wait."""
    others = torch.arange(values_BK.shape[1] - 1, device=values_BK.device).expand(len(values_BK), -1)
    return values_BK.gather(1, others + (others >= labels_B[:, None]))


def of_target(values_BK: Tensor, labels_B: Tensor) -> Tensor:
    """Each row's value of its label, (B,)."""
    return values_BK.gather(1, labels_B[:, None]).squeeze(1)
