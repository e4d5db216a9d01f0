"""COCO's average precision by pycocotools, of predictions held in arrays.

The protocol is COCO's own: IoU 0.50 to 0.95 in steps of 0.05, 101 recalls, at most 100 boxes an image, areas of up to
32 x 32 px small, up to 96 x 96 medium, beyond large, in pixels of the training size. Resamples of images are taken of
the matches, so boxes are matched once.
"""

import contextlib
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from trainer.tasks.detection.predictions import BoxPredictions

_ALL, _HUNDRED = 0, 2  # places among the ranges of area and the numbers of boxes
AREAS = {"small": 1, "medium": 2, "large": 3}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Matched:
    """Boxes matched to the truth; `images` and classes are in order."""

    judge: COCOeval
    images: int
    classes: int

    def precision(self, rows: NDArray[np.int64] | None = None) -> Floats:
        """(T IoUs, R recalls, K classes, areas), -1 where nothing is to be found. `rows`: of images drawn anew."""
        return self._accumulated(rows)["precision"][..., _HUNDRED]

    def recall(self) -> Floats:
        """The highest recall, (T, K, areas)."""
        return self._accumulated(None)["recall"][..., _HUNDRED]

    def _accumulated(self, rows: NDArray[np.int64] | None) -> dict[str, Floats]:
        judge = self.judge
        matches, areas = judge.evalImgs, len(judge.params.areaRng)
        if rows is not None:
            places = np.arange(self.classes * areas)[:, None] * self.images + rows[None]
            judge.evalImgs = [matches[at] for at in places.reshape(-1).tolist()]
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                judge.accumulate()
        finally:
            judge.evalImgs = matches
        return judge.eval


def match(found: BoxPredictions, classes: int) -> Matched:
    """Raises ValueError where a label is none of the classes."""
    if max(found.labels.max(initial=-1), found.true_labels.max(initial=-1)) >= classes:
        raise ValueError("a box is of a class that is not known")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = _truth(found, classes)
        truth.createIndex()
        results = truth.loadRes(_results(found)) if len(found.scores) else _nothing(truth)
        judge = COCOeval(truth, results, "bbox")
        judge.evaluate()
    return Matched(judge, len(found.found), classes)


def _truth(found: BoxPredictions, classes: int) -> dict[str, object]:
    owner = np.repeat(np.arange(len(found.true)), found.true)
    return {
        "info": {},
        "images": [{"id": image} for image in range(len(found.true))],
        "categories": [{"id": label} for label in range(classes)],
        "annotations": [
            {
                "id": number + 1,
                "image_id": int(owner[number]),
                "category_id": int(label),
                "bbox": _corner_and_size(box),
                "area": float((box[2] - box[0]) * (box[3] - box[1])),
                "iscrowd": 0,
            }
            for number, (box, label) in enumerate(zip(found.true_boxes, found.true_labels, strict=True))
        ],
    }


def _results(found: BoxPredictions) -> list[dict[str, object]]:
    owner = np.repeat(np.arange(len(found.found)), found.found)
    return [
        {"image_id": int(image), "category_id": int(label), "bbox": _corner_and_size(box), "score": float(score)}
        for image, box, label, score in zip(owner, found.boxes, found.labels, found.scores, strict=True)
    ]


def _nothing(truth: COCO) -> COCO:
    results = COCO()
    results.dataset = {"images": truth.dataset["images"], "categories": truth.dataset["categories"], "annotations": []}
    results.createIndex()
    return results


def _corner_and_size(box: NDArray[np.float32]) -> list[float]:
    x1, y1, x2, y2 = (float(edge) for edge in box)
    return [x1, y1, x2 - x1, y2 - y1]
