"""Patch swap as a straightforward script does it: what the trainer's rate is compared with.

A DataLoader with two workers, Pillow transforms an image at a time, a Python loop for the pairs, a
loop over the patches of float images, NCHW. The same network, batch, optimizer and objective as the trainer's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

PADDING = 4
PATCH = 8
TEMPERATURE = 4.0


class Pairs(Dataset):
    """An anchor and a random image of its class, each cropped, flipped and made a float tensor."""

    def __init__(self, images_NHWC: np.ndarray, labels: np.ndarray, mean: list[float], std: list[float]) -> None:
        self.images = [Image.fromarray(pixels) for pixels in images_NHWC]
        self.labels = labels.tolist()
        self.mean, self.std = (torch.tensor(values)[:, None, None] for values in (mean, std))
        self.by_class: dict[int, list[int]] = {}
        for index, label in enumerate(self.labels):
            self.by_class.setdefault(label, []).append(index)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, int]:
        label = self.labels[index]
        partner = random.choice([other for other in self.by_class[label] if other != index])
        return self._load(index), self._load(partner), label

    def _load(self, index: int) -> Tensor:
        image = self.images[index]
        padded = ImageOps.expand(image, PADDING)
        left, top = random.randint(0, 2 * PADDING), random.randint(0, 2 * PADDING)
        image = padded.crop((left, top, left + image.width, top + image.height))
        if random.random() < 0.5:
            image = ImageOps.mirror(image)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
        return (pixels - self.mean) / self.std


def steps(model: nn.Module, data: Pairs, *, pairs: int, optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Train for ever; yields after each step."""
    loader = DataLoader(data, batch_size=pairs, shuffle=True, drop_last=True, num_workers=2, persistent_workers=True)
    while True:
        for first, second, labels in loader:
            swap(first, second)
            logits = model(torch.cat([first, second]))
            a, b = logits.chunk(2)
            loss = functional.cross_entropy(logits, labels.repeat(2)) + divergence(a, b) + divergence(b, a)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield


def swap(first: Tensor, second: Tensor) -> None:
    """Exchange a random number of patches in half of the pairs, patch by patch."""
    columns = first.shape[-1] // PATCH
    patches = columns * (first.shape[-2] // PATCH)
    for a, b in zip(first, second, strict=True):
        if random.random() < 0.5:
            continue
        for index in random.sample(range(patches), random.randint(1, patches - 1)):
            top, left = divmod(index, columns)
            window = (slice(None), slice(top * PATCH, (top + 1) * PATCH), slice(left * PATCH, (left + 1) * PATCH))
            kept = a[window].clone()
            a[window] = b[window]
            b[window] = kept


def divergence(student: Tensor, teacher: Tensor) -> Tensor:
    soft = functional.softmax(teacher.detach() / TEMPERATURE, dim=1)
    return TEMPERATURE**2 * functional.kl_div(
        functional.log_softmax(student / TEMPERATURE, dim=1), soft, reduction="batchmean"
    )
