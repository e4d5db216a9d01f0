"""Scale jitter, crop, flip and photometric distortion by torchvision's transforms, of images with masks or boxes.

torchvision draws from torch's generator: it is seeded for each image by a number of the step's own stream, so that a
batch is a pure function of (seed, step) however the step is divided, and put back afterwards.
"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from contract.pack.manifest import IGNORE
from contract.specs import AugmentationSpec
from trainer.machine.vision import torchvision  # noqa: F401 - prepares what transforms and tv_tensors import

from torchvision import tv_tensors  # isort: skip
from torchvision.transforms import v2  # isort: skip

__all__ = ["build", "seeded", "seeds", "tv_tensors"]


def build(spec: AugmentationSpec, *, size: tuple[int, int]) -> v2.Transform:
    """For samples of a `tv_tensors.Image` of `size` and what belongs to it. What a crop adds is black and ignored."""
    steps: list[v2.Transform] = []
    if isinstance(spec.scale_jitter, str):
        raise TypeError("scale_jitter is not resolved")
    low, high = spec.scale_jitter
    if (low, high) != (1, 1):
        fill = defaultdict(int, {tv_tensors.Mask: IGNORE})
        steps.append(v2.ScaleJitter(target_size=size, scale_range=(low, high), antialias=True))
        steps.append(v2.RandomCrop(size, pad_if_needed=True, fill=fill))
    if spec.horizontal_flip:
        steps.append(v2.RandomHorizontalFlip())
    if spec.photometric:
        steps.append(v2.RandomPhotometricDistort())
    return v2.Compose(steps or [v2.Identity()])


def seeds(random: np.random.Generator, *, step: tuple[int, int], part: slice) -> Iterator[int]:
    """One for each image of a part of a step, in its order."""
    return iter(random.integers(2**63, size=step)[:, part].reshape(-1).tolist())


def seeded(transform: v2.Transform, seed: int, *sample: Tensor) -> tuple[Tensor, ...]:
    """A sample transformed by a seed alone."""
    generator = torch.default_generator
    before = generator.get_state()
    generator.manual_seed(seed)
    try:
        return transform(*sample)
    finally:
        generator.set_state(before)
