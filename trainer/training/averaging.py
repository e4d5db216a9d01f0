"""The exponential moving average of a network's weights over the steps."""

import copy

import torch
from torch import nn


class AveragedModel:
    """A second network that follows the first: weights by `decay`, buffers (running statistics) as they are.

    The decay grows to its value as (1 + step) / (10 + step), so that the first, random weights do not linger.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(requires_grad=False)
        self._source, self._decay = model, decay

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Follow what the optimizer did in a step, counted from 0."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.model.parameters()), list(self._source.parameters()), 1 - decay)
        for mine, theirs in zip(self.model.buffers(), self._source.buffers(), strict=True):
            mine.copy_(theirs)
