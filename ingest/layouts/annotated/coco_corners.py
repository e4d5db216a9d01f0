"""COCO's `bbox` is x, y, width, height. Files that hold two corners instead are told by what else they say."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ingest.annotations import regions
from ingest.findings import Refused
from ingest.notes import Unusable

_JUDGED = 500
_FEWEST = 5
_AGREE, _DISAGREE = 0.9, 0.5  # boxes at the upper left fit both ways
_FARTHEST = 1e9
_CLOSE = 0.02  # relative
_FIX = "Write x, y, width and height, or export the annotations again."


def check_corners(path: str, stated: dict[str, Any]) -> None:
    """Raises Refused where areas, outlines or sizes of images show that nearly every `bbox` is x1, y1, x2, y2."""
    annotations = stated["annotations"]
    sample = annotations[:: max(1, len(annotations) // _JUDGED)]
    _check_sizes(path, stated["images"], sample)
    judged = list(_judged(sample))
    if len(judged) < _FEWEST:
        return
    as_sides, as_corners = (np.mean(each) for each in zip(*judged, strict=True))
    if as_corners >= _AGREE and as_sides <= _DISAGREE:
        message = f"Each `bbox` of {path} is x1, y1, x2, y2, as areas or outlines show; COCO's is x, y, width, height."
        raise Refused("boxes_as_corners", message, _FIX)


def _check_sizes(path: str, images: list[Any], annotations: list[Any]) -> None:
    """Raises Refused where many boxes would leave their images as sides, and none would as corners."""
    sizes = {}
    for image in images:
        if isinstance(image, dict) and all(_is_place(image.get(side)) for side in ("width", "height")):
            sizes[str(image.get("id"))] = (float(image["width"]), float(image["height"]))
    fits = []
    for annotation in annotations:
        bbox = annotation.get("bbox") if isinstance(annotation, dict) else None
        size = sizes.get(str(annotation.get("image_id"))) if bbox else None
        if size is None or not isinstance(bbox, list) or len(bbox) != 4 or not all(map(_is_place, bbox)):
            continue
        x, y, a, b = (float(value) for value in bbox)
        most = [side * (1 + _CLOSE) + 1 for side in size]
        fits.append((x + a <= most[0] and y + b <= most[1], x < a <= most[0] and y < b <= most[1]))
    if len(fits) < _FEWEST:
        return
    as_sides, as_corners = (np.mean(each) for each in zip(*fits, strict=True))
    if as_corners == 1 and as_sides <= _AGREE:
        message = (
            f"Each `bbox` of {path} seems to be x1, y1, x2, y2: as x, y, width, height {1 - as_sides:.0%} of them "
            "would leave their image."
        )
        raise Refused("boxes_as_corners", message, _FIX)


def _judged(annotations: list[Any]) -> Iterator[tuple[bool, bool]]:
    """Whether each box fits as sides, and as corners; of those that say an area or an outline besides."""
    for annotation in annotations:
        stated = annotation.get("bbox") if isinstance(annotation, dict) else None
        if not isinstance(stated, list) or len(stated) != 4 or not all(map(_is_place, stated)):
            continue
        x, y, a, b = (float(value) for value in stated)
        outline = _outline(annotation.get("segmentation"))
        if outline is not None:
            yield _near((x + a, y + b), outline), _near((a, b), outline)
        elif _is_place(area := annotation.get("area")) and area > 0:
            yield abs(a * b - area) <= _CLOSE * area, abs((a - x) * (b - y) - area) <= _CLOSE * area


def _is_place(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_FARTHEST < value < _FARTHEST


def _outline(segmentation: object) -> tuple[float, float] | None:
    """The lower right corner of polygons."""
    if not isinstance(segmentation, list) or not segmentation:
        return None
    try:
        bounds = regions.parse_region(segmentation).bounds()
    except Unusable:
        return None
    return bounds[2], bounds[3]


def _near(corner: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(abs(one - two) <= max(_CLOSE * two, 1.0) for one, two in zip(corner, other, strict=True))
