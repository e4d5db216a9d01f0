"""What a network finds in each image of a split, beside what is there. Shapes: N images, n found, g true boxes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from portable import boxes as inference
from trainer.tasks.columns import Columns
from trainer.tasks.detection.network import AnyDetector, Maps
from trainer.tasks.detection.samples import PLACES, Target

Counts = NDArray[np.int64]
Floats = NDArray[np.float32]
Decoded = tuple[Tensor, Tensor]  # boxes_BA4, scores_BAK
SAME_PLACE = 0.5  # intersection over union from which two boxes mean one thing


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


def judged_by(detector: AnyDetector) -> Callable[[Maps, list[Target]], BoxPredictions]:
    """How a batch of the network's maps and targets becomes predictions."""

    def judge_maps(maps: Maps, targets: list[Target]) -> BoxPredictions:
        return judge(detector.decode(maps), targets)

    return judge_maps


def judge(decoded: Decoded, targets: list[Target]) -> BoxPredictions:
    """What a batch of decoded maps, or of what an exported file says, is worth; without what lies in the padding.

    The batch holds as many images as a target has places: the tiles of its image, which are merged.
    """
    said = _images(decoded)
    found = []
    for target in targets:
        places = target[PLACES]
        tiles = [inference.unpadded(list(outputs), place[2:]) for place, outputs in zip(places, said, strict=False)]
        found.append(inference.choose(*inference.merged(tiles, places)))
    return BoxPredictions.of(found, [_numbers(target["boxes"], target["labels"]) for target in targets])


def chosen(decoded: Decoded) -> list[tuple[Floats, Floats, Counts]]:
    """Boxes, scores and labels of each image after the choice among them."""
    return [inference.choose(*one) for one in _images(decoded)]


def same_finds(mine: Decoded, reference: Decoded) -> Tensor:
    """Of each sure box of either, whether the other has one of its class there too, (n,) bool.

    There is by an overlap of half or more, sure by `portable.boxes.SURE`.
    """
    found: list[NDArray[np.bool_]] = [np.zeros(0, bool)]
    for ours, theirs in zip(*map(_sure, (mine, reference)), strict=True):
        both: NDArray[np.bool_] = inference.overlaps(ours[0], theirs[0]) >= SAME_PLACE
        both &= ours[1][:, None] == theirs[1][None]
        found += [np.asarray(both.any(axis=1)), np.asarray(both.any(axis=0))]
    return torch.from_numpy(np.concatenate(found))


def divergence(mine: Decoded, reference: Decoded) -> Tensor:
    """How much of what the reference finds the other does not say, of each image, (B,) float64.

    A sum over anchors: squared differences of their scores, and what their boxes have lost of their overlap, by the
    square of the reference's best score. So a box that is gone counts as much as one that has moved away, and the
    thousands of anchors of score 0.001 count for nothing. Logits would not do: rounding moves most those of the
    background, by which no image is judged.
    """
    (boxes_BA4, scores_BAK), (true_BA4, true_BAK) = ([each.double() for each in one] for one in (mine, reference))
    low, high = boxes_BA4[..., :2].maximum(true_BA4[..., :2]), boxes_BA4[..., 2:].minimum(true_BA4[..., 2:])
    areas = [(each[..., 2:] - each[..., :2]).clamp(min=0).prod(dim=-1) for each in (boxes_BA4, true_BA4)]
    both_BA = (high - low).clamp(min=0).prod(dim=-1)
    lost_BA = 1 - both_BA / (areas[0] + areas[1] - both_BA).clamp(min=1e-12)
    lost_BA = true_BAK.amax(dim=2).square() * lost_BA.where(areas[1] > 0, 0)
    return (scores_BAK - true_BAK).square().sum(dim=(1, 2)) + lost_BA.sum(dim=1)


def _images(decoded: Decoded) -> Iterator[tuple[Floats, Floats]]:
    """Boxes and scores, image by image."""
    boxes_BA4, scores_BAK = (found.cpu().numpy() for found in decoded)
    return zip(boxes_BA4, scores_BAK, strict=True)


def _sure(decoded: Decoded) -> list[tuple[Floats, Counts]]:
    return [
        (boxes[scores >= inference.SURE], labels[scores >= inference.SURE]) for boxes, scores, labels in chosen(decoded)
    ]


def _numbers(boxes: Tensor, labels: Tensor) -> tuple[Floats, Counts]:
    return boxes.to("cpu", torch.float32).numpy(), labels.cpu().numpy()
