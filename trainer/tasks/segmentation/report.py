"""How the figures of masks are shown, and images with their masks drawn over them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from contract.pack.manifest import IGNORE
from contract.results.evaluation import SegmentationSplit
from portable import segmentation
from trainer.report import pictures, tables
from trainer.report.facts import Facts, View
from trainer.report.measures import Measure
from trainer.tasks.segmentation import figures
from trainer.tasks.segmentation.predictions import MaskPredictions
from trainer.tasks.segmentation.tiles import AnyMaskedImages, TiledMasks

EXAMPLES = 6
MEASURES = (
    Measure("mean_iou", "mIoU", 100, " %", 2, "higher"),
    Measure("pixel_accuracy", "Pixel accuracy", 100, " %", 2, "higher"),
    Measure("boundary_f", "Boundary F", 100, " %", 2, "higher"),
    Measure("nll", "Negative log-likelihood per pixel, nats"),
    Measure("ece", "ECE of pixels, bins of equal width", 100, " %", 2),
)


@dataclass(frozen=True)
class Example:
    """Three pictures as data URIs."""

    image: str
    truth: str
    prediction: str
    mean_iou: float | None  # of this image alone; None where neither shows a class


def examples(model: nn.Module, held_out: AnyMaskedImages, classes: int) -> list[Example]:
    """Some held-out images, evenly spaced through the split."""
    positions = np.unique(np.linspace(0, len(held_out) - 1, min(EXAMPLES, len(held_out))).round().astype(np.int64))
    fetch = held_out.fetch_telling if isinstance(held_out, TiledMasks) else held_out.fetch
    images_BCHW, masks_BHW = fetch(positions)
    with torch.inference_mode():
        logits_BKHW = model(held_out.normalise(images_BCHW)).float()
    found = MaskPredictions.of(logits_BKHW, masks_BHW)
    scores = [figures.values(found.only([place]))["mean_iou"] for place in range(len(positions))]
    colours = segmentation.colours(classes)
    pixels_BHWC = images_BCHW.permute(0, 2, 3, 1).cpu().numpy()
    truth_BHW = masks_BHW.cpu().numpy()
    predicted_BHW = np.where(truth_BHW == IGNORE, IGNORE, logits_BKHW.argmax(dim=1).cpu().numpy()).astype(np.uint8)
    return [
        Example(
            pictures.of_pixels(pixels),
            pictures.of_pixels(segmentation.overlay(pixels, truth, colours)),
            pictures.of_pixels(segmentation.overlay(pixels, predicted, colours)),
            score,
        )
        for pixels, truth, predicted, score in zip(pixels_BHWC, truth_BHW, predicted_BHW, scores, strict=True)
    ]


def _details(facts: Facts) -> dict[str, Any]:
    published, beside = facts.both(SegmentationSplit)
    names = facts.manifest.classes
    hexadecimal = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in segmentation.colours(len(names)).tolist()]
    return {
        "classes": tables.classes(published, beside),
        "colours": dict(zip(names, hexadecimal, strict=True)),
        **pictures.confusion(tables.shares(published)),
    }


VIEW = View(
    package="trainer.tasks.segmentation",
    measures=MEASURES,
    judged="pixels",
    accuracy=("train.pixel_accuracy", "val.mean_iou", "mIoU; of training: pixel accuracy"),
    details=_details,
)
