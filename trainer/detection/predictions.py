"""What a network finds in each image of a split, beside what is there. Shapes: N images, n found, g true boxes."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.inference import boxes as inference
from trainer.columns import Columns
from trainer.detection.samples import Target
from trainer.models.detection import Detector, Maps

Counts = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class BoxPredictions(Columns):
    """Boxes are x1, y1, x2, y2 in pixels of the training size, image after image; what is found, the surest first."""

    found: Counts  # (N,) how many in each image
    boxes: Floats  # (n, 4)
    scores: Floats  # (n,)
    labels: Counts  # (n,)
    true: Counts  # (N,) how many are there
    true_boxes: Floats  # (g, 4)
    true_labels: Counts  # (g,)

    @classmethod
    def of(cls, answers: list[tuple[Floats, Floats, Counts]], truth: list[tuple[Floats, Counts]]) -> "BoxPredictions":
        """From boxes, scores and labels of each image, and its true boxes and labels."""
        boxes, scores, labels = zip(*answers, strict=True)
        true_boxes, true_labels = zip(*truth, strict=True)
        return cls(
            np.array([len(each) for each in scores], np.int64),
            np.concatenate(boxes),
            np.concatenate(scores),
            np.concatenate(labels),
            np.array([len(each) for each in true_labels], np.int64),
            np.concatenate(true_boxes),
            np.concatenate(true_labels),
        )

    def image(self, place: int) -> tuple[slice, slice]:
        """Where one image's found and true boxes stand."""
        first, true = (int(counts[:place].sum()) for counts in (self.found, self.true))
        return slice(first, first + int(self.found[place])), slice(true, true + int(self.true[place]))


def judged_by(detector: Detector):  # noqa: ANN201 - a closure
    """How a batch of the network's maps and targets becomes predictions."""

    def judge(maps: Maps, targets: list[Target]) -> BoxPredictions:
        boxes_BA4, scores_BAK = (found.cpu().numpy() for found in detector.decode(maps))
        answers = [inference.choose(*one) for one in zip(boxes_BA4, scores_BAK, strict=True)]
        return BoxPredictions.of(answers, [_numbers(target["boxes"], target["labels"]) for target in targets])

    return judge


def _numbers(boxes: Tensor, labels: Tensor) -> tuple[Floats, Counts]:
    return boxes.to("cpu", torch.float32).numpy(), labels.cpu().numpy()
