"""What classification does to its training images, in order: cut, mirror, distort, recolour, erase.

Whole uint8 batches on the device. What is switched off draws no numbers, so the crops and flips of a spec that uses
none of the later ones are those of the first release, bit for bit. Shapes: B batch, C channels, H height, W width.
"""

import numpy as np
from torch import Tensor

from contract.specs import AugmentationSpec
from trainer.augmentation import colours, crops, erasing, trivial
from trainer.augmentation.draws import Draws


def augment(
    images_BCHW: Tensor, spec: AugmentationSpec, random: np.random.Generator, *, step: tuple[int, int], part: slice
) -> Tensor:
    """`step` is (members, groups) of the whole step, for which numbers are drawn; the images are its `part`."""
    draws = Draws(random, step, part)
    if spec.random_resized_crop:
        images_BCHW = crops.resized_crop(images_BCHW, draws, area=spec.random_resized_crop)
    elif padding := int(spec.crop_padding):  # resolved: a number
        images_BCHW = crops.pad_and_crop(images_BCHW, draws, padding=padding)
    if spec.horizontal_flip:
        images_BCHW = crops.flip(images_BCHW, draws)
    if spec.trivial_augment:
        images_BCHW = trivial.augment(images_BCHW, draws)
    if spec.color_jitter:
        images_BCHW = colours.jitter(images_BCHW, draws, strength=spec.color_jitter)
    if spec.random_erasing:
        images_BCHW = erasing.erase(images_BCHW, draws, probability=spec.random_erasing)
    return images_BCHW
