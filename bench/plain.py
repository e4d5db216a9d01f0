"""Fine-tuning as a straightforward script does it: what the default recipe is compared with.

Pillow images in memory, torchvision's transforms one image at a time (flip and shift), AdamW at 1e-3 with its own
weight decay, a cosine to zero, batches in random order, cross-entropy. Network and pretrained weights are given.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, RandomSampler

from trainer.machine.vision import torchvision  # noqa: F401 - prepares what transforms import

from torchvision import transforms  # isort: skip

LEARNING_RATE = 1e-3


class Photographs(Dataset[tuple[Tensor, int]]):
    def __init__(
        self, images_NHWC: NDArray[np.uint8], labels: NDArray[np.int64], mean: list[float], std: list[float]
    ) -> None:
        self.images = [Image.fromarray(pixels) for pixels in images_NHWC]
        self.labels = labels.tolist()
        height, width = images_NHWC.shape[1:3]
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop((height, width), padding=min(height, width) // 8),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(mean, std),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


def steps(model: nn.Module, data: Photographs, *, count: int, batch: int, seed: int) -> Iterator[None]:
    """Train for `count` steps of `batch` images; yields after each."""
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=count)
    order = RandomSampler(data, num_samples=count * batch)
    model.train()
    for images, labels in DataLoader(data, batch_size=batch, sampler=order, drop_last=True):
        loss = functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        yield
