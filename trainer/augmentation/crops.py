"""Random crop with padding and horizontal flip of whole uint8 batches on the device, before normalisation.

Shapes: B batch, C channels, H height, W width.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from contract.specs import AugmentationSpec


def augment(
    images_BCHW: Tensor, spec: AugmentationSpec, random: np.random.Generator, *, step: tuple[int, int], part: slice
) -> Tensor:
    """Crop and flip each image by its own draw. The padding is black, as in the CIFAR recipes.

    `step` is (members, groups) of the whole step, for whose images the numbers are drawn; the images are its `part`.
    """
    padding = int(spec.crop_padding)  # resolved: a number
    if padding:
        offsets = random.integers(0, 2 * padding + 1, (2, *step))[..., part].reshape(2, -1)
        images_BCHW = batch_crop(images_BCHW, torch.from_numpy(offsets), padding=padding)
    if spec.horizontal_flip:
        images_BCHW = batch_flip(images_BCHW, torch.from_numpy(random.random(step)[:, part].reshape(-1) < 0.5))
    return images_BCHW


def batch_crop(images_BCHW: Tensor, offsets_2B: Tensor, *, padding: int) -> Tensor:
    """Pad all around, then take each image's window at its (top, left) offset: one gather."""
    count, _, height, width = images_BCHW.shape
    top, left = offsets_2B.to(images_BCHW.device, non_blocking=True)
    padded = functional.pad(images_BCHW, [padding] * 4)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1).permute(0, 2, 3, 1, 4, 5)
    return windows[torch.arange(count, device=images_BCHW.device), top, left]


def batch_flip(images_BCHW: Tensor, flipped_B: Tensor) -> Tensor:
    """Mirror the images whose flag is set."""
    flags = flipped_B.to(images_BCHW.device, non_blocking=True)[:, None, None, None]
    return torch.where(flags, images_BCHW.flip(-1), images_BCHW)
