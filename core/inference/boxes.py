"""From a detector's boxes and scores to its answer: the best of those that overlap (non-maximum suppression).

Here, and not in the exported graph, because how many boxes stay depends on the image, and converters want fixed shapes.
Lies in every bundle of a detector too: numpy and Pillow only. Shapes: A anchors, K classes, n boxes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

CANDIDATES = 300  # the best-scored pairs of anchor and class that are looked at, as torchvision's SSDlite
LEAST_SCORE = 0.01
MOST_OVERLAP = 0.55  # of two boxes of a class, intersection over union
MOST_BOXES = 100  # of an image, as COCO judges

Floats = NDArray[np.float32]


def choose(boxes_A4: Floats, scores_AK: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:  # noqa: N803 - shape suffixes
    """Boxes (n, 4), scores (n,) and classes (n,), the surest first. Equal scores keep the order of anchors."""
    flat = scores_AK.reshape(-1)
    order = np.argsort(-flat, kind="stable")[:CANDIDATES]
    order = order[flat[order] >= LEAST_SCORE]
    anchors, classes = np.divmod(order, scores_AK.shape[1])
    boxes, scores = boxes_A4[anchors], flat[order]
    kept = _unsuppressed(boxes, classes)[:MOST_BOXES]
    return boxes[kept], scores[kept], classes[kept].astype(np.int64)


def overlaps(first_n4: NDArray[Any], second_m4: NDArray[Any]) -> NDArray[np.float64]:
    """Intersection over union, (n, m)."""
    first, second = first_n4.astype(np.float64), second_m4.astype(np.float64)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(each[:, 2:] - each[:, :2], 0, None).prod(axis=1) for each in (first, second)]
    found: NDArray[np.float64] = both / np.maximum(areas[0][:, None] + areas[1][None] - both, 1e-12)
    return found


def answer(
    boxes_A4: Floats,  # noqa: N803
    scores_AK: Floats,  # noqa: N803
    labels: list[str],
    *,
    network_size: tuple[int, int],
    image_size: tuple[int, int],
) -> list[dict[str, Any]]:
    """What is said of an image: boxes in pixels of the image itself. Sizes are height, width."""
    boxes, scores, classes = choose(boxes_A4, scores_AK)
    (height, width), (image_height, image_width) = network_size, image_size
    boxes = boxes * np.array([image_width / width, image_height / height] * 2, np.float32)
    return [
        {"label": labels[number], "probability": float(score), "box": [round(float(edge), 2) for edge in box]}
        for box, score, number in zip(boxes, scores, classes, strict=True)
    ]


def draw(image: Image.Image, found: list[dict[str, Any]], *, least: float = 0.3) -> Image.Image:
    """The image with the boxes that are at least so sure."""
    shown = image.convert("RGB")
    pen = ImageDraw.Draw(shown)
    for one in found:
        if one["probability"] >= least:
            pen.rectangle(one["box"], outline=(255, 60, 0), width=max(1, min(shown.size) // 150))
            pen.text(
                (one["box"][0] + 2, one["box"][1] + 1), f"{one['label']} {one['probability']:.2f}", fill=(255, 60, 0)
            )
    return shown


def _unsuppressed(boxes_n4: Floats, classes_n: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of the boxes that no surer one of their class overlaps too much; they come sorted."""
    rivals = (overlaps(boxes_n4, boxes_n4) > MOST_OVERLAP) & (classes_n[:, None] == classes_n[None])
    alive = np.ones(len(boxes_n4), bool)
    for place in range(len(boxes_n4)):
        if alive[place]:
            alive[place + 1 :] &= ~rivals[place, place + 1 :]
    return np.flatnonzero(alive)
