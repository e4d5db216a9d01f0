"""Random erasing (Zhong et al. 2020): a rectangle of an image filled with one colour.

Area 2 to 33 % and sides of 0.3 to 3.3 are the paper's [V]; one random colour, where the paper has one for each pixel,
is ours [U]. Shapes: B batch, C channels, H height, W width.
"""

from math import log

import numpy as np
import torch
from torch import Tensor

from trainer.augmentation.draws import Draws

_AREA = (0.02, 0.33)
_SIDES = (0.3, 3.3)  # height over width


def erase(images_BCHW: Tensor, draws: Draws, *, probability: float) -> Tensor:
    _, channels, height, width = images_BCHW.shape
    chosen_B = draws.uniform() < probability
    areas_B = _AREA[0] + (_AREA[1] - _AREA[0]) * draws.uniform()
    ratios_B = np.exp(log(_SIDES[0]) + log(_SIDES[1] / _SIDES[0]) * draws.uniform())
    tall_B = np.minimum(1.0, np.sqrt(areas_B * ratios_B)) * height
    wide_B = np.minimum(1.0, np.sqrt(areas_B / ratios_B)) * width
    top_B, left_B = draws.uniform() * (height - tall_B), draws.uniform() * (width - wide_B)
    colours_CB = draws.integers(0, 256, columns=channels)
    rows_BH = _within(height, top_B, top_B + tall_B)
    columns_BW = _within(width, left_B, left_B + wide_B)
    erased_BHW = rows_BH[:, :, None] & (columns_BW & chosen_B[:, None])[:, None, :]
    device = images_BCHW.device
    erased = torch.from_numpy(erased_BHW).to(device, non_blocking=True)[:, None]
    colours = torch.from_numpy(colours_CB.T.astype(np.uint8)).to(device, non_blocking=True)[:, :, None, None]
    return torch.where(erased, colours, images_BCHW)


def _within(side: int, first_B: np.ndarray, last_B: np.ndarray) -> np.ndarray:
    """(B, side): which rows or columns have their middle within."""
    middles = np.arange(side) + 0.5
    return (middles >= first_B[:, None]) & (middles < last_B[:, None])
