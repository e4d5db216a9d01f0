"""What a detector found in each image, matched to what is there, in the columns of `contract.predictions`.

Shapes: n found boxes, g true boxes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from portable import boxes as inference
from trainer.data.pack import Pack
from trainer.data.tiles import Frame
from trainer.tasks.detection.predictions import SAME_PLACE, BoxPredictions, Counts, Floats
from trainer.tasks.detection.samples import truth_of


def of(found: BoxPredictions, pack: Pack, rows: NDArray[np.int64], *, size: tuple[int, int]) -> dict[str, Any]:
    """Only boxes that are sure enough to be shown count."""
    images = [_image(found, place, pack, row, size) for place, row in enumerate(rows.tolist())]
    return {name: [image[name] for image in images] for name in images[0]}


def _image(found: BoxPredictions, place: int, pack: Pack, row: int, size: tuple[int, int]) -> dict[str, Any]:
    ours, true = found.image(place)
    sure = found.scores[ours] >= inference.SURE
    boxes, scores, labels = found.boxes[ours][sure], found.scores[ours][sure], found.labels[ours][sure]
    partners = matches(boxes, labels, found.true_boxes[true], found.true_labels[true])
    corners, numbers = truth_of(pack, row)
    names, taken = pack.manifest.classes, set(partners.tolist())
    said = [
        {"label": names[label], "score": float(score), "box": box.tolist(), "matched": bool(partner >= 0)}
        for label, score, box, partner in zip(labels, scores, boxes * _scale(pack, row, size), partners, strict=True)
    ]
    there = [
        {"label": names[label], "box": box.tolist(), "matched": at in taken}
        for at, (label, box) in enumerate(zip(numbers.tolist(), corners, strict=True))
    ]
    matched = int((partners >= 0).sum())
    missed, spurious = len(there) - matched, len(said) - matched
    return {
        "error": bool(missed or spurious),
        "probability": float(scores.max()) if len(scores) else None,
        "loss": None,
        "matched": matched,
        "missed": missed,
        "spurious": spurious,
        "found": said,
        "truth": there,
    }


def matches(boxes_n4: Floats, labels_n: Counts, true_g4: Floats, true_labels_g: Counts) -> Counts:
    """The true box of each found one, (n,), -1 for none: the surest first, each takes what it overlaps most."""
    overlaps_ng = inference.overlaps(boxes_n4, true_g4)
    overlaps_ng[labels_n[:, None] != true_labels_g[None]] = 0
    partners = np.full(len(boxes_n4), -1, np.int64)
    for at in range(len(boxes_n4)):
        best = int(overlaps_ng[at].argmax()) if len(true_g4) else 0
        if len(true_g4) and overlaps_ng[at, best] >= SAME_PLACE:
            partners[at] = best
            overlaps_ng[:, best] = 0
    return partners


def _scale(pack: Pack, row: int, size: tuple[int, int]) -> NDArray[np.float64]:
    """From pixels of the training size to those of the image: of x, y, x, y."""
    if pack.tiles is None:
        height, width = pack.content_size(row, height=size[0], width=size[1])
        image_height, image_width = pack.size(row)
        return np.array([image_width / width, image_height / height] * 2)
    (left, top, right, bottom), (_, _, height, width) = Frame(pack, *size).grid(row)[0]
    return np.array([(right - left) / width, (bottom - top) / height] * 2)
