"""Accuracy under attack (FGSM) and under common corruptions that need no files. Shapes: B batch, C, H, W.

Corruptions follow the families of CIFAR-C / ImageNet-C (Hendrycks and Dietterich 2019) at five severities; the
strengths are ours, so the figures compare networks of this service and not with that benchmark.
"""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor, nn
from torch.nn import functional

from core.progress import Working
from trainer import randomness
from trainer.augment import Normalise
from trainer.prediction import BATCH, LabelledImages

SAMPLES = 1000  # at most, spread over the split
EPSILONS = (1 / 255, 2 / 255, 4 / 255)  # of the pixel range 0..1
SEVERITIES = 5

Corruption = Callable[[NDArray[np.uint8], int, np.random.Generator], NDArray[np.uint8]]


def fgsm(model: nn.Module, split: LabelledImages, out: dict[str, Any]) -> Iterator[Working]:
    """Fill out["fgsm"]: accuracy after one step of epsilon against the loss (Goodfellow et al. 2015)."""
    positions = _sample(len(split.labels))
    correct = np.zeros(len(EPSILONS))
    for start in range(0, len(positions), BATCH):
        chosen = positions[start : start + BATCH]
        labels = torch.from_numpy(split.labels[chosen])
        correct += _survivors(model, split.images.fetch(chosen), labels, split.normalise)
        yield Working(activity="fgsm", done=start + len(chosen), total=len(positions))
    accuracies = (correct / len(positions)).tolist()
    out["fgsm"] = {
        "samples": len(positions),
        "strengths": [{"epsilon": e, "top1_accuracy": a} for e, a in zip(EPSILONS, accuracies, strict=True)],
    }


def corruptions(model: nn.Module, split: LabelledImages, out: dict[str, Any]) -> Iterator[Working]:
    """Fill out["corruptions"]: accuracy by family, for severities 1 to 5, and the mean of them all."""
    positions = _sample(len(split.labels))
    accuracies: dict[str, list[float]] = {}
    for done, (family, corrupt) in enumerate(FAMILIES.items()):
        yield Working(activity="corruptions", done=done, total=len(FAMILIES))
        accuracies[family] = [
            _accuracy_under(model, split, positions, corrupt, severity) for severity in range(1, SEVERITIES + 1)
        ]
    mean = float(np.mean(list(accuracies.values())))
    out["corruptions"] = {"samples": len(positions), "mean_top1_accuracy": mean, "top1_accuracy": accuracies}


def _sample(count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, SAMPLES)).round().astype(np.int64))


def _survivors(model: nn.Module, images_BCHW: Tensor, labels: Tensor, normalise: Normalise) -> NDArray[np.float64]:
    """How many are still right, for each epsilon. The attacked pixels stay within 0..1."""
    labels = labels.to(images_BCHW.device)
    pixels = images_BCHW.to(torch.float32).div_(255).requires_grad_()
    loss = functional.cross_entropy(model(normalise.scaled(pixels)), labels, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, pixels)
    with torch.no_grad():
        attacked = [(pixels + epsilon * gradient.sign()).clamp_(0, 1) for epsilon in EPSILONS]
        return np.array([(model(normalise.scaled(x)).argmax(1) == labels).sum().item() for x in attacked])


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


def _clipped(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _by_image(images_BHWC: NDArray[np.uint8], change: Callable[[Image.Image], Image.Image]) -> NDArray[np.uint8]:
    gray = images_BHWC.shape[-1] == 1
    changed = [np.asarray(change(Image.fromarray(image.squeeze(-1) if gray else image))) for image in images_BHWC]
    return np.stack(changed).reshape(images_BHWC.shape)
