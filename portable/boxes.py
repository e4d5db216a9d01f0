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
    Outputs = list[Floats]  # of one image: boxes_A4, scores_AK; of merged tiles also a flag for each box
    Place = tuple[int, int, int, int]  # of a tile in the whole: top, left, height, width
    # Height and width of the image in the network's frame, and of itself.
    Sizes = tuple[tuple[int, int], tuple[int, int]]

CANDIDATES = 300  # the best-scored pairs of anchor and class that are looked at, as torchvision's SSDlite
LEAST_SCORE = 0.01
MOST_OVERLAP = 0.55  # of two boxes of a class, intersection over union
MOST_BOXES = 100  # of an image, as COCO judges
MERGED_CANDIDATES = 2_000  # the surest boxes of all tiles of an image
MOST_MERGED = 1_000  # of an image that is cut into tiles
EDGE = 4  # pixels: a box that ends so near an inner edge of its tile is probably only a part of an object
MOST_SHARED = 0.5  # of the smaller of two boxes, where one of them is such a part
SURE = 0.3  # from which score on a box is shown, unless another is asked for
INK = (255, 60, 0)
OPTIONS: dict[str, dict[str, Any]] = {
    "threshold": {"default": SURE, "least": 0.0, "help": "the least score of a box that is told"}
}


def choose(
    boxes_A4: Floats,  # noqa: N803 - shape suffixes
    scores_AK: Floats,  # noqa: N803
    chosen_A: Floats | None = None,  # noqa: N803
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Boxes (n, 4), scores (n,) and classes (n,), the surest first. Equal scores keep the order of anchors.

    Of merged tiles there is nothing to choose any more: each box has one class.
    """
    if chosen_A is not None:
        return boxes_A4, scores_AK.max(axis=1, initial=0), scores_AK.argmax(axis=1).astype(np.int64)
    flat = scores_AK.reshape(-1)
    order = np.argsort(-flat, kind="stable")[:CANDIDATES]
    order = order[flat[order] >= LEAST_SCORE]
    anchors, classes = np.divmod(order, scores_AK.shape[1])
    boxes, scores = boxes_A4[anchors], flat[order]
    kept = _unsuppressed(boxes, classes)[:MOST_BOXES]
    return boxes[kept], scores[kept], classes[kept].astype(np.int64)


def merged(tiles: list[Outputs], places: list[Place]) -> Outputs:
    """The outputs of a whole image from those of its tiles: what each finds, chosen among once more.

    Boxes that end at an inner edge of their tile come last and give way to any box of another tile that has half of
    them, or of which they have half: an object that is cut by one tile is whole in its neighbour.
    """
    if len(tiles) == 1:
        return tiles[0]
    whole = max(top + height for top, _, height, _ in places), max(left + width for _, left, _, width in places)
    found = [choose(*outputs) for outputs in tiles]
    tile = np.repeat(np.arange(len(found)), [len(scores) for _, scores, _ in found])
    part = np.concatenate([_is_part(boxes, place, whole) for (boxes, _, _), place in zip(found, places)])
    shifted = [
        boxes + np.array([left, top] * 2, boxes.dtype) for (boxes, _, _), (top, left, _, _) in zip(found, places)
    ]
    boxes, scores, classes = np.concatenate(shifted), *(np.concatenate([one[at] for one in found]) for at in (1, 2))
    surest = np.argsort(-scores, kind="stable")[:MERGED_CANDIDATES]
    order = surest[np.argsort(part[surest], kind="stable")]
    kept = order[_first_of_rivals(_rivals(boxes[order], classes[order], tile[order], part[order]))]
    kept = kept[np.argsort(-scores[kept], kind="stable")][:MOST_MERGED]
    of_class = np.zeros((len(kept), tiles[0][1].shape[1]), scores.dtype)
    of_class[np.arange(len(kept)), classes[kept]] = scores[kept]
    return [boxes[kept], of_class, np.ones(len(kept), np.float32)]


def unpadded(outputs: Outputs, content: tuple[int, int]) -> Outputs:
    """The outputs without what lies in the padding: boxes cut at the content (height, width), scores 0 beyond it."""
    (boxes_A4, scores_AK), (height, width) = outputs, content  # noqa: N806 - shape suffixes
    beyond = (boxes_A4[:, 0] > width) | (boxes_A4[:, 1] > height)
    limits = np.array([width, height, width, height], boxes_A4.dtype)
    return [np.minimum(boxes_A4, limits), np.where(beyond[:, None], scores_AK.dtype.type(0), scores_AK)]


def overlaps(first_n4: NDArray[Any], second_m4: NDArray[Any]) -> NDArray[np.float64]:
    """Intersection over union, (n, m)."""
    both, first, second = _shared(first_n4, second_m4)
    found: NDArray[np.float64] = both / np.maximum(first[:, None] + second[None] - both, 1e-12)
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
    return _first_of_rivals((overlaps(boxes_n4, boxes_n4) > MOST_OVERLAP) & (classes_n[:, None] == classes_n[None]))


def _first_of_rivals(rivals_nn: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The places that no earlier one, which stays itself, is a rival of."""
    alive = np.ones(len(rivals_nn), bool)
    for place in range(len(rivals_nn)):
        if alive[place]:
            alive[place + 1 :] &= ~rivals_nn[place, place + 1 :]
    return np.flatnonzero(alive)


def _rivals(
    boxes_n4: Floats, classes_n: NDArray[np.int64], tile_n: NDArray[np.int64], part_n: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which pairs of boxes of different tiles mean one object, (n, n); those of one tile were chosen among there."""
    both, areas, _ = _shared(boxes_n4, boxes_n4)
    union = np.maximum(areas[:, None] + areas[None] - both, 1e-12)
    smaller = np.maximum(np.minimum(areas[:, None], areas[None]), 1e-12)
    is_part = part_n[:, None] | part_n[None]
    same = np.where(is_part, both / smaller > MOST_SHARED, both / union > MOST_OVERLAP)
    found: NDArray[np.bool_] = same & (classes_n[:, None] == classes_n[None]) & (tile_n[:, None] != tile_n[None])
    return found


def _is_part(boxes_n4: Floats, place: Place, whole: tuple[int, int]) -> NDArray[np.bool_]:
    """Which boxes of a tile end at one of its edges that is no edge of the whole (height, width)."""
    top, left, height, width = place
    ends = [
        (boxes_n4[:, 0] < EDGE) & (left > 0),
        (boxes_n4[:, 1] < EDGE) & (top > 0),
        (boxes_n4[:, 2] > width - EDGE) & (left + width < whole[1]),
        (boxes_n4[:, 3] > height - EDGE) & (top + height < whole[0]),
    ]
    found: NDArray[np.bool_] = np.any(ends, axis=0)
    return found


def _shared(
    first_n4: NDArray[Any], second_m4: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The area that each pair shares, (n, m), and the areas of both."""
    first, second = first_n4.astype(np.float64), second_m4.astype(np.float64)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(each[:, 2:] - each[:, :2], 0, None).prod(axis=1) for each in (first, second)]
    return both, areas[0], areas[1]
