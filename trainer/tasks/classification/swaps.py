"""What the method does, to be seen: held-out pairs before and after a swap, and what the network says of all four."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from contract.specs import PatchSwapOnlySpec, PatchSwapSpec, ResolvedSpec
from trainer.data import randomness
from trainer.methods.patches import draw_patches, swap_patches
from trainer.report import pictures
from trainer.tasks.classification.samples import LabelledImages

PAIRS = 6


@dataclass(frozen=True)
class Shown:
    """One image and the network's word on it."""

    picture: str  # a data URI
    predicted: int
    confidence: float
    target: float  # p(the pair's class)


@dataclass(frozen=True)
class Pair:
    label: int
    share: float  # of the patches that were exchanged
    before: tuple[Shown, Shown]
    after: tuple[Shown, Shown]


def pairs(spec: ResolvedSpec, model: nn.Module, held_out: LabelledImages) -> list[Pair] | None:
    """Pairs of some classes, swapped as in training; None where the method swaps nothing."""
    if not isinstance(spec.method, PatchSwapSpec | PatchSwapOnlySpec):
        return None
    first, second = _choose(held_out.labels)
    if not len(first):
        return []
    patch_px = int(spec.method.patch_size)
    before = [held_out.images.fetch(positions) for positions in (first, second)]
    marked_nRC = _mark(len(first), spec.height // patch_px, spec.width // patch_px)
    after = [images.clone() for images in before]
    swap_patches(after[0], after[1], marked_nRC)
    labels = held_out.labels[first]
    whole = np.zeros_like(marked_nRC)
    shown = [
        list(_shown(model, held_out, images, labels, marks))
        for images, marks in ((before[0], whole), (before[1], whole), (after[0], marked_nRC), (after[1], marked_nRC))
    ]
    shares = marked_nRC.mean(axis=(1, 2)).tolist()
    return [
        Pair(label, share, (a, b), (swapped_a, swapped_b))
        for label, share, a, b, swapped_a, swapped_b in zip(labels.tolist(), shares, *shown, strict=True)
    ]


def _choose(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first two images of a few classes, spread over those that have two."""
    counts = np.bincount(labels)
    able = np.flatnonzero(counts >= 2)
    classes = able[np.unique(np.linspace(0, len(able) - 1, min(PAIRS, len(able))).round().astype(np.int64))]
    order = np.argsort(labels, kind="stable")
    starts = (np.cumsum(counts) - counts)[classes]
    return order[starts], order[starts + 1]


def _mark(count: int, rows: int, columns: int) -> NDArray[np.bool_]:
    random = randomness.generator(0, randomness.Stream.REPORT)
    return draw_patches(count, rows * columns, random).reshape(-1, rows, columns)


def _shown(
    model: nn.Module,
    held_out: LabelledImages,
    images_nCHW: Tensor,
    labels: NDArray[np.int64],
    marked_nRC: NDArray[np.bool_],
) -> Iterator[Shown]:
    with torch.inference_mode():
        probabilities = model(held_out.normalise(images_nCHW)).double().softmax(dim=1).cpu().numpy()
    pixels_nHWC = images_nCHW.permute(0, 2, 3, 1).cpu().numpy()
    for pixels, row, label, marks in zip(pixels_nHWC, probabilities, labels.tolist(), marked_nRC, strict=True):
        predicted = int(row.argmax())
        yield Shown(pictures.of_pixels(pixels, marks), predicted, float(row[predicted]), float(row[label]))
