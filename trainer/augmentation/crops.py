"""Where each image of a uint8 batch is cut out and whether it is mirrored, on the device, before normalisation.

Shapes: B batch, C channels, H height, W width.
"""

from math import log

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer.augmentation.draws import Draws

SIDES = (3 / 4, 4 / 3)  # width over height of a part that is resized; torchvision's RandomResizedCrop


def pad_and_crop(images_BCHW: Tensor, draws: Draws, *, padding: int) -> Tensor:
    """The padding is black, as in the CIFAR recipes."""
    offsets_2B = draws.integers(0, 2 * padding + 1, columns=2)
    return batch_crop(images_BCHW, torch.from_numpy(offsets_2B), padding=padding)


def flip(images_BCHW: Tensor, draws: Draws) -> Tensor:
    return batch_flip(images_BCHW, torch.from_numpy(draws.uniform() < 0.5))


def resized_crop(images_BCHW: Tensor, draws: Draws, *, area: tuple[float, float]) -> Tensor:
    """A part of each image at its own size: bilinear, for a part is never larger than the image.

    The area is uniform, the ratio of the sides log-uniform (Szegedy et al. 2015). A side that would be longer than the
    image is cut to it, where torchvision tries again [U].
    """
    low, high = area
    shares_B = low + (high - low) * draws.uniform()
    ratios_B = np.exp(log(SIDES[0]) + log(SIDES[1] / SIDES[0]) * draws.uniform())
    sides_2B = np.minimum(1.0, np.stack([np.sqrt(shares_B / ratios_B), np.sqrt(shares_B * ratios_B)]))
    middles_2B = (2 * np.stack([draws.uniform(), draws.uniform()]) - 1) * (1 - sides_2B)
    return batch_resized_crop(images_BCHW, torch.from_numpy(sides_2B), torch.from_numpy(middles_2B))


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


def batch_resized_crop(images_BCHW: Tensor, sides_2B: Tensor, middles_2B: Tensor) -> Tensor:
    """Each image's part of `sides` (height, width, of 1) around `middles` (-1 to 1 from edge to edge), at its size."""
    device = images_BCHW.device
    (tall_B, wide_B), (down_B, right_B) = sides_2B.float().to(device), middles_2B.float().to(device)
    none_B = torch.zeros_like(wide_B)
    rows = [torch.stack([wide_B, none_B, right_B], dim=1), torch.stack([none_B, tall_B, down_B], dim=1)]
    grid_BHW2 = functional.affine_grid(torch.stack(rows, dim=1), list(images_BCHW.shape), align_corners=False)
    return sampled(images_BCHW, grid_BHW2, padding_mode="border")


def sampled(images_BCHW: Tensor, grid_BHW2: Tensor, *, padding_mode: str) -> Tensor:
    """uint8 images read at the points of a grid, bilinear, rounded."""
    found = functional.grid_sample(
        images_BCHW.float(), grid_BHW2, mode="bilinear", padding_mode=padding_mode, align_corners=False
    )
    return to_uint8(found)


def to_uint8(values: Tensor) -> Tensor:
    return values.round_().clamp_(0, 255).to(torch.uint8)
