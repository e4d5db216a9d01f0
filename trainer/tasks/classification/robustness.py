"""Accuracy under attack (FGSM, PGD) and under common corruptions that need no files. Shapes: B batch, C, H, W.

FGSM: one step of epsilon along the gradient's sign [V]. PGD: ten steps of 2.5 epsilon / 10 from a random start in the
ball of the maximum norm (Madry et al. 2018 [I]); attacked pixels stay within 0..1. Which strengths are asked is ours
[U].
Corruptions follow the families of CIFAR-C / ImageNet-C (Hendrycks and Dietterich 2019) at five severities; the
strengths are ours, so the figures compare networks of this service and not with that benchmark.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor, nn
from torch.nn import functional

from contract.child.messages import Working
from trainer.augmentation.normalise import Normalise
from trainer.data import randomness
from trainer.statistics import intervals
from trainer.tasks.classification.predictions import BATCH
from trainer.tasks.classification.samples import LabelledImages

SAMPLES = 1000  # at most, spread over the split
EPSILONS = (1 / 255, 2 / 255, 4 / 255)  # of the pixel range 0..1
PGD_STEPS = 10
PGD_REACH = 2.5  # the steps together, as a share of epsilon: any point of the ball can be reached
SEVERITIES = 5

Corruption = Callable[[NDArray[np.uint8], int, np.random.Generator], NDArray[np.uint8]]
Attack = Callable[["Target", Tensor, np.random.Generator], Iterator[Tensor]]  # pixels in 0..1, of each epsilon


def fgsm(model: nn.Module, split: LabelledImages, out: dict[str, Any]) -> Iterator[Working]:
    """Fill out["fgsm"]: accuracy after one step of epsilon against the loss (Goodfellow et al. 2015)."""
    yield from _attack(model, split, out, name="fgsm", attacked=_fgsm)


def pgd(model: nn.Module, split: LabelledImages, out: dict[str, Any]) -> Iterator[Working]:
    """Fill out["pgd"]: accuracy after ten steps against the loss, each followed by a projection (PGD-10)."""
    yield from _attack(model, split, out, name="pgd", attacked=_pgd)


def corruptions(model: nn.Module, split: LabelledImages, out: dict[str, Any]) -> Iterator[Working]:
    """Fill out["corruptions"]: accuracy by family, for severities 1 to 5, and the mean of them all."""
    positions = _sample(len(split.labels))
    accuracies: dict[str, list[float]] = {}
    for done, (family, corrupt) in enumerate(FAMILIES.items()):
        yield Working(activity="corruptions", done=done, total=len(FAMILIES))
        accuracies[family] = [
            _accuracy_under(model, split, positions, corrupt, severity) for severity in range(1, SEVERITIES + 1)
        ]
    out["corruptions"] = {
        "samples": len(positions),
        "clean_top1_accuracy": _accuracy_under(model, split, positions, _untouched, severity=1),
        "mean_top1_accuracy": float(np.mean(list(accuracies.values()))),
        "top1_accuracy": accuracies,
    }


MEASURES = {"fgsm": fgsm, "pgd": pgd, "corruptions": corruptions}


def _sample(count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, SAMPLES)).round().astype(np.int64))


def _attack(
    model: nn.Module, split: LabelledImages, out: dict[str, Any], *, name: str, attacked: Attack
) -> Iterator[Working]:
    positions = _sample(len(split.labels))
    correct, clean = np.zeros(len(EPSILONS), np.int64), 0
    for start in range(0, len(positions), BATCH):
        chosen = positions[start : start + BATCH]
        pixels = split.images.fetch(chosen).to(torch.float32).div_(255)
        target = Target(model, split.normalise, torch.from_numpy(split.labels[chosen]).to(pixels.device))
        clean += target.right(pixels)
        random = randomness.generator(0, randomness.Stream.ATTACK, start)
        for number, images in enumerate(attacked(target, pixels, random)):
            correct[number] += target.right(images)
            yield Working(activity=name, done=start * len(EPSILONS) + number, total=len(positions) * len(EPSILONS))
    out[name] = {
        "samples": len(positions),
        "clean_top1_accuracy": clean / len(positions),
        "strengths": [
            {
                "epsilon": epsilon,
                "top1_accuracy": hits / len(positions),
                "confidence_interval": intervals.wilson(hits, len(positions)),
            }
            for epsilon, hits in zip(EPSILONS, correct.tolist(), strict=True)
        ],
    }


@dataclass(frozen=True)
class Target:
    """A network under attack, and the labels it is to be led away from."""

    model: nn.Module
    normalise: Normalise
    labels: Tensor

    def ascent(self, pixels_BCHW: Tensor) -> Tensor:
        """The sign of the gradient of the cross-entropy by the pixels."""
        leaf = pixels_BCHW.detach().requires_grad_()
        loss = functional.cross_entropy(self.model(self.normalise.scaled(leaf)), self.labels, reduction="sum")
        return torch.autograd.grad(loss, leaf)[0].sign()

    def right(self, pixels_BCHW: Tensor) -> int:
        with torch.inference_mode():
            return int((self.model(self.normalise.scaled(pixels_BCHW)).argmax(1) == self.labels).sum())


def _fgsm(target: Target, pixels: Tensor, _random: np.random.Generator) -> Iterator[Tensor]:
    ascent = target.ascent(pixels)
    return ((pixels + epsilon * ascent).clamp_(0, 1) for epsilon in EPSILONS)


def _pgd(target: Target, pixels: Tensor, random: np.random.Generator) -> Iterator[Tensor]:
    for epsilon in EPSILONS:
        start = torch.from_numpy(random.uniform(-epsilon, epsilon, tuple(pixels.shape)).astype(np.float32))
        low, high = (pixels - epsilon).clamp_(0, 1), (pixels + epsilon).clamp_(0, 1)
        attacked = (pixels + start.to(pixels.device)).clamp_(0, 1)
        for _ in range(PGD_STEPS):
            attacked = attacked + PGD_REACH * epsilon / PGD_STEPS * target.ascent(attacked)
            attacked = torch.minimum(torch.maximum(attacked, low), high)
        yield attacked


def _accuracy_under(
    model: nn.Module, split: LabelledImages, positions: NDArray[np.int64], corrupt: Corruption, severity: int
) -> float:
    correct = 0
    for start in range(0, len(positions), BATCH):
        chosen = positions[start : start + BATCH]
        images_BHWC = split.images.fetch(chosen).permute(0, 2, 3, 1).cpu().numpy()
        random = randomness.generator(severity, randomness.Stream.CORRUPTION, start)
        corrupted = torch.from_numpy(np.ascontiguousarray(corrupt(images_BHWC, severity - 1, random)))
        images = corrupted.permute(0, 3, 1, 2).to(split.normalise.mean.device)
        with torch.inference_mode():
            predicted = model(split.normalise(images)).argmax(1).cpu().numpy()
        correct += int((predicted == split.labels[chosen]).sum())
    return correct / len(positions)


def _untouched(images: NDArray[np.uint8], _level: int, _random: np.random.Generator) -> NDArray[np.uint8]:
    return images


def _noise(images: NDArray[np.uint8], level: int, random: np.random.Generator) -> NDArray[np.uint8]:
    sigma = (10, 20, 30, 40, 50)[level]
    return _clipped(images + random.normal(0, sigma, images.shape))


def _blur(images: NDArray[np.uint8], level: int, _random: np.random.Generator) -> NDArray[np.uint8]:
    radius = (0.01, 0.02, 0.03, 0.04, 0.06)[level] * min(images.shape[1:3])
    return _by_image(images, lambda image: image.filter(ImageFilter.GaussianBlur(radius)))


def _contrast(images: NDArray[np.uint8], level: int, _random: np.random.Generator) -> NDArray[np.uint8]:
    share = (0.75, 0.6, 0.45, 0.3, 0.2)[level]
    means = images.mean(axis=(1, 2), keepdims=True)
    return _clipped((images - means) * share + means)


def _brightness(images: NDArray[np.uint8], level: int, _random: np.random.Generator) -> NDArray[np.uint8]:
    return _clipped(images + 255.0 * (0.1, 0.2, 0.3, 0.4, 0.5)[level])


def _pixelate(images: NDArray[np.uint8], level: int, _random: np.random.Generator) -> NDArray[np.uint8]:
    height, width = images.shape[1:3]
    share = (0.8, 0.65, 0.5, 0.4, 0.3)[level]
    small = max(1, round(width * share)), max(1, round(height * share))

    def coarsen(image: Image.Image) -> Image.Image:
        return image.resize(small, Image.Resampling.BOX).resize((width, height), Image.Resampling.NEAREST)

    return _by_image(images, coarsen)


def _jpeg(images: NDArray[np.uint8], level: int, _random: np.random.Generator) -> NDArray[np.uint8]:
    def compress(image: Image.Image) -> Image.Image:
        buffer = BytesIO()
        image.save(buffer, "jpeg", quality=(60, 40, 25, 15, 8)[level])
        return Image.open(buffer)

    return _by_image(images, compress)


FAMILIES: dict[str, Corruption] = {
    "noise": _noise,
    "blur": _blur,
    "contrast": _contrast,
    "brightness": _brightness,
    "pixelate": _pixelate,
    "jpeg": _jpeg,
}


def _clipped(pixels: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _by_image(images_BHWC: NDArray[np.uint8], change: Callable[[Image.Image], Image.Image]) -> NDArray[np.uint8]:
    gray = images_BHWC.shape[-1] == 1
    changed = [np.asarray(change(Image.fromarray(image.squeeze(-1) if gray else image))) for image in images_BHWC]
    return np.stack(changed).reshape(images_BHWC.shape)
