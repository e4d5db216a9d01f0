"""How the figures of boxes are shown, precision by recall, and images with what was found beside what is there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from markupsafe import Markup
from PIL import Image

from contract.results.evaluation import DetectionSplit
from portable import boxes
from trainer.report import pictures, plots
from trainer.report.facts import Facts, View
from trainer.report.measures import Measure
from trainer.tasks.detection import predictions
from trainer.tasks.detection.network import AnyDetector
from trainer.tasks.detection.tiles import AnyBoxedImages, TiledBoxes

EXAMPLES = 6
CLASSES_SHOWN = 40
CURVES_SHOWN = 8  # the classes with the most boxes; more lines could not be told apart
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2")
MEASURES = (
    Measure("ap", "AP", 100, " %", 2, "higher"),
    Measure("ap50", "AP50", 100, " %", 2, "higher"),
    Measure("ap75", "AP75", 100, " %", 2, "higher"),
    Measure("ar", "AR, 100 boxes per image", 100, " %", 2, "higher"),
    Measure("ece", "ECE of scores, bins of equal width", 100, " %", 2),
)


@dataclass(frozen=True)
class Example:
    """Two pictures as data URIs."""

    truth: str
    prediction: str
    found: int  # boxes that are drawn
    there: int


def examples(model: AnyDetector, held_out: AnyBoxedImages, classes: int) -> list[Example]:
    """Some held-out images, evenly spaced through the split, with the numbers of the classes."""
    labels = [str(number + 1) for number in range(classes)]
    positions = np.unique(np.linspace(0, len(held_out) - 1, min(EXAMPLES, len(held_out))).round().astype(np.int64))
    fetch = held_out.fetch_telling if isinstance(held_out, TiledBoxes) else held_out.fetch
    images_BCHW, targets = fetch(positions)
    with torch.inference_mode():
        found = predictions.judged_by(model)(model(held_out.normalise(images_BCHW)), targets)
    made = []
    for place, pixels_CHW in enumerate(images_BCHW.cpu().numpy()):
        ours, true = found.image(place)
        image = Image.fromarray(pixels_CHW.transpose(1, 2, 0).squeeze())
        said = _said(found.boxes[ours], found.scores[ours], found.labels[ours], labels)
        there = _said(found.true_boxes[true], np.ones(true.stop - true.start), found.true_labels[true], labels)
        truth, prediction = (pictures.of_pixels(np.asarray(boxes.mark(image, one))) for one in (there, said))
        made.append(Example(truth, prediction, found=len(said), there=len(there)))
    return made


def _said(corners: np.ndarray, scores: np.ndarray, numbers: np.ndarray, labels: list[str]) -> list[dict[str, Any]]:
    """The boxes that are sure enough to be drawn."""
    return [
        {"label": labels[number], "score": float(score), "box": [float(edge) for edge in box]}
        for box, score, number in zip(corners, scores, numbers, strict=True)
        if score >= boxes.SURE
    ]


def _details(facts: Facts) -> dict[str, Any]:
    published, beside = facts.both(DetectionSplit)
    others = beside.per_class if beside else [None] * len(published.per_class)
    numbered = list(enumerate(zip(published.per_class, others, strict=True), start=1))
    most = sorted(numbered, key=lambda row: -row[1][0].boxes)[:CLASSES_SHOWN]
    return {
        "classes": [(number, row, other) for number, (row, other) in sorted(most, key=lambda row: row[0])],
        "sizes": [(size, published.ap_by_size[size], published.ar_by_size[size]) for size in published.ap_by_size],
        "precision_recall": _curves(published, {row.name: number for number, (row, _) in most[:CURVES_SHOWN]}),
    }


def _curves(main: DetectionSplit, numbers: dict[str, int]) -> Markup | None:
    """By the numbers of the classes: a name of a stranger is not drawn."""
    curves = [curve for curve in main.precision_recall if curve.name in numbers]
    found = [
        plots.Line(f"class {numbers[curve.name]}", color, curve.recall, curve.precision)
        for curve, color in zip(curves, _COLOURS, strict=False)
    ]
    return plots.lines("Precision by recall", found, x="recall", y="precision") if found else None


VIEW = View(
    package="trainer.tasks.detection",
    measures=MEASURES,
    judged="found boxes",
    accuracy=("val.ap", "val.ap50", "AP; thin: AP50"),
    details=_details,
)
