"""From a detector's boxes and scores to its answer: the best of those that overlap (non-maximum suppression).

Here, and not in the exported graph, because how many boxes stay depends on the image, and converters want fixed shapes.
Lies in every bundle of a detector as postprocess.py: numpy and Pillow only. Shapes: A anchors, K classes, n boxes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Outputs = list[Floats]  # of one image: boxes_A4, scores_AK
    # Height and width of the image in the network's frame, and of itself.
    Sizes = tuple[tuple[int, int], tuple[int, int]]

CANDIDATES = 300  # the best-scored pairs of anchor and class that are looked at, as torchvision's SSDlite
LEAST_SCORE = 0.01
MOST_OVERLAP = 0.55  # of two boxes of a class, intersection over union
MOST_BOXES = 100  # of an image, as COCO judges
SURE = 0.3  # from which score on a box is shown, unless another is asked for
INK = (255, 60, 0)
OPTIONS: dict[str, dict[str, Any]] = {
    "threshold": {"default": SURE, "least": 0.0, "help": "the least score of a box that is told"}
}


def choose(boxes_A4: Floats, scores_AK: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:  # noqa: N803 - shape suffixes
    """Boxes (n, 4), scores (n,) and classes (n,), the surest first. Equal scores keep the order of anchors."""
    flat = scores_AK.reshape(-1)
    order = np.argsort(-flat, kind="stable")[:CANDIDATES]
    order = order[flat[order] >= LEAST_SCORE]
    anchors, classes = np.divmod(order, scores_AK.shape[1])
    boxes, scores = boxes_A4[anchors], flat[order]
    kept = _unsuppressed(boxes, classes)[:MOST_BOXES]
    return boxes[kept], scores[kept], classes[kept].astype(np.int64)


def unpadded(outputs: Outputs, content: tuple[int, int]) -> Outputs:
    """The outputs without what lies in the padding: boxes cut at the content (height, width), scores 0 beyond it."""
    (boxes_A4, scores_AK), (height, width) = outputs, content  # noqa: N806 - shape suffixes
    beyond = (boxes_A4[:, 0] > width) | (boxes_A4[:, 1] > height)
    limits = np.array([width, height, width, height], boxes_A4.dtype)
    return [np.minimum(boxes_A4, limits), np.where(beyond[:, None], scores_AK.dtype.type(0), scores_AK)]


def overlaps(first_n4: NDArray[Any], second_m4: NDArray[Any]) -> NDArray[np.float64]:
    """Intersection over union, (n, m)."""
    first, second = first_n4.astype(np.float64), second_m4.astype(np.float64)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(each[:, 2:] - each[:, :2], 0, None).prod(axis=1) for each in (first, second)]
    found: NDArray[np.float64] = both / np.maximum(areas[0][:, None] + areas[1][None] - both, 1e-12)
    return found


def answer(outputs: Outputs, labels: list[str], *, sizes: Sizes, threshold: float) -> dict[str, Any]:
    """Boxes that are at least as sure as `threshold`, the surest first: corners in pixels of the image itself."""
    boxes, scores, classes = choose(*outputs)
    (height, width), (image_height, image_width) = sizes
    boxes = boxes * np.array([image_width / width, image_height / height] * 2, np.float32)
    return {
        "detections": [
            {"label": labels[number], "score": float(score), "box": [round(float(edge), 2) for edge in box]}
            for box, score, number in zip(boxes, scores, classes)
            if score >= threshold
        ]
    }


def classes_of(outputs: Outputs) -> int:
    """How many classes the outputs tell apart."""
    return int(outputs[1].shape[-1])


def draw(image: Image.Image, _outputs: Outputs, found: dict[str, Any]) -> Image.Image:
    """The image with the boxes of its answer."""
    return mark(image, found["detections"])


def mark(image: Image.Image, detections: list[dict[str, Any]]) -> Image.Image:
    """The image with these boxes on it, their labels and scores beside them."""
    shown = image.convert("RGB")
    pen = ImageDraw.Draw(shown)
    for one in detections:
        left, top, _, _ = one["box"]
        pen.rectangle(one["box"], outline=INK, width=max(1, min(shown.size) // 150))
        pen.text((left + 2, top + 1), f"{one['label']} {one['score']:.2f}", fill=INK)
    return shown


def _unsuppressed(boxes_n4: Floats, classes_n: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of the boxes that no surer one of their class overlaps too much; they come sorted."""
    rivals = (overlaps(boxes_n4, boxes_n4) > MOST_OVERLAP) & (classes_n[:, None] == classes_n[None])
    alive = np.ones(len(boxes_n4), bool)
    for place in range(len(boxes_n4)):
        if alive[place]:
            alive[place + 1 :] &= ~rivals[place, place + 1 :]
    return np.flatnonzero(alive)
