"""uint8 pixels as the network's float input, the last step before it.

Shapes: B batch, C channels, H height, W width.
"""

import torch
from torch import Tensor

from contract.specs.normalisation import Normalisation


class Normalise:
    """uint8 pixels as the network's float input, channels last in memory: (x / 255 - mean) / std."""

    def __init__(self, by: Normalisation, device: torch.device) -> None:
        self.mean = torch.tensor(by.mean, device=device)[:, None, None]
        self.std = torch.tensor(by.std, device=device)[:, None, None]

    def __call__(self, images_BCHW: Tensor) -> Tensor:
        scaled = images_BCHW.to(torch.float32, memory_format=torch.channels_last)
        return scaled.div_(255).sub_(self.mean).div_(self.std)

    def scaled(self, pixels_BCHW: Tensor) -> Tensor:
        """The same for float pixels within 0..1; differentiable."""
        return (pixels_BCHW - self.mean) / self.std
