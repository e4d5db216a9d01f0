"""Brightness, contrast and saturation of uint8 batches, each image by its own factors.

The kernels are torchvision's in arithmetic, with a factor for each image instead of one for all, and one rounding at
the end. Shapes: B batch, C channels (1 or 3), H height, W width.
"""

import torch
from torch import Tensor

from trainer.augmentation.crops import to_uint8
from trainer.augmentation.draws import Draws

_GRAY = (0.2989, 0.587, 0.114)  # torchvision's, of ITU-R BT.601


def jitter(images_BCHW: Tensor, draws: Draws, *, strength: float) -> Tensor:
    """In this order [U], where torchvision's ColorJitter takes a random one; hue is left alone."""
    factors_3B = [1 + strength * (2 * draws.uniform() - 1) for _ in range(3)]
    brightness, contrast, saturation = (_each(torch.from_numpy(factors), images_BCHW) for factors in factors_3B)
    values = brighten(images_BCHW.float(), brightness)
    values = add_contrast(values, contrast)
    return to_uint8(saturate(values, saturation))


def brighten(values_BCHW: Tensor, factors_B111: Tensor) -> Tensor:
    return (values_BCHW * factors_B111).clamp_(0, 255)


def add_contrast(values_BCHW: Tensor, factors_B111: Tensor) -> Tensor:
    """Away from, or towards, the image's mean gray."""
    mean = gray(values_BCHW).mean((1, 2, 3), keepdim=True)
    return torch.lerp(mean.expand_as(values_BCHW), values_BCHW, factors_B111).clamp_(0, 255)


def saturate(values_BCHW: Tensor, factors_B111: Tensor) -> Tensor:
    """Away from, or towards, each pixel's gray. Gray images stay as they are."""
    if values_BCHW.shape[1] == 1:
        return values_BCHW
    return torch.lerp(gray(values_BCHW).expand_as(values_BCHW), values_BCHW, factors_B111).clamp_(0, 255)


def gray(values_BCHW: Tensor) -> Tensor:
    """(B, 1, H, W)."""
    if values_BCHW.shape[1] == 1:
        return values_BCHW
    red, green, blue = (values_BCHW[:, channel : channel + 1] for channel in range(3))
    return _GRAY[0] * red + _GRAY[1] * green + _GRAY[2] * blue


def _each(factors_B: Tensor, like: Tensor) -> Tensor:
    return factors_B.float().to(like.device, non_blocking=True)[:, None, None, None]
