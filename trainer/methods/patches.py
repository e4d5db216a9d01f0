"""Patches of pairs: which are exchanged, the exchange itself, and how much what it teaches weighs.

Shapes: n pairs, C channels, H height, W width, P patches an image in R rows.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contract.specs import PatchSwapSpec
from contract.specs.methods import SwappingSpec


def kd_weight_at(spec: PatchSwapSpec, epoch: float) -> float:
    """The weight of the distillation, which may grow at the beginning."""
    warmup = spec.kd_warmup_epochs
    return spec.kd_weight * (min(1.0, epoch / warmup) if warmup else 1.0)


def swap_probability_at(spec: SwappingSpec, progress: float) -> float:
    """Of a pair, at this share of the training: 0 in the closing part [U], as detectors close their mosaic."""
    return 0.0 if progress >= 1.0 - spec.closing_share else spec.swap_probability


def draw_patches(pairs: int, patches: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Which patches each pair exchanges, (pairs, patches): k uniform in 1..patches-1, every set of k equally likely."""
    keys = random.random((pairs, patches))  # 53 bits: two equal keys in a row are not to be expected
    count = random.integers(1, patches, size=pairs)
    threshold = np.sort(keys, axis=1)[np.arange(pairs), count - 1]
    return keys <= threshold[:, None]


def swap_patches(first_nCHW: Tensor, second_nCHW: Tensor, marked_nRC: NDArray[np.bool_]) -> None:
    """Exchange the marked patches between the uint8 images of each pair, in place, without a branch.

    Exclusive or with the masked difference turns each image's pixels into its partner's where the mask is set. The mask
    is brought to pixels by numpy, whose `repeat` takes a third of the time of torch's for runs of a few bytes.
    """
    patch_px = first_nCHW.shape[-1] // marked_nRC.shape[-1]
    bytes_nRC = -marked_nRC.view(np.uint8)  # 1 becomes 255
    mask_nHW = torch.from_numpy(bytes_nRC.repeat(patch_px, axis=2).repeat(patch_px, axis=1))
    mask_nHW = mask_nHW.to(first_nCHW.device, non_blocking=True)
    difference = (first_nCHW ^ second_nCHW).bitwise_and_(mask_nHW[:, None])
    first_nCHW.bitwise_xor_(difference)
    second_nCHW.bitwise_xor_(difference)
