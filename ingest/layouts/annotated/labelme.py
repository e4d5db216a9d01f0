"""labelme: a JSON file for each image, with polygons, rectangles, circles and bitmaps in pixels.

Shapes of one `group_id` and label are the parts of one object. The picture is the one that `imagePath` leads to, or the
one of the JSON's own name.
"""

import base64
import binascii
import math
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from contract.tasks import TaskName
from ingest import names
from ingest.annotations.regions import Bitmap, Filled, Polygons, Region, ellipse, polygon, rectangle
from ingest.layouts.annotated import values
from ingest.layouts.annotated.pages import Drawing, Page, Tally
from ingest.limits import Limits
from ingest.notes import Unusable

_FLAT = {"point", "points", "line", "linestrip"}
_BOX = {"rectangle"}


def is_labelme(_path: str, stated: object) -> bool:
    return (
        isinstance(stated, dict)
        and isinstance(stated.get("shapes"), list)
        and ("imagePath" in stated or "imageData" in stated or "imageHeight" in stated)
    )


def read_labelme(path: str, stated: dict[str, Any], task: TaskName, tally: Tally, limits: Limits) -> list[Page]:
    called = stated.get("imagePath")
    stem = names.stem(path)
    page = Page(path, called if isinstance(called, str) and called.strip() else stem, also=(stem,))
    page.size = values.size(stated.get("imageHeight"), stated.get("imageWidth"))
    drawing = Drawing(task, tally)
    try:
        for parts in _grouped(values.entries(stated["shapes"])):
            _draw(parts, drawing, limits)
    except Unusable as unusable:
        page.fault = unusable.bare()
    return [drawing.onto(page)]


def _grouped(shapes: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    groups: dict[object, list[dict[str, Any]]] = {}
    for at, shape in enumerate(shapes):
        group = shape.get("group_id")
        key = ("group", str(group), str(shape.get("label"))) if group is not None else at
        groups.setdefault(key, []).append(shape)
    return list(groups.values())


def _draw(parts: list[dict[str, Any]], drawing: Drawing, limits: Limits) -> None:
    kinds = [str(shape.get("shape_type") or "polygon") for shape in parts]
    drawn = [shape for shape, kind in zip(parts, kinds, strict=True) if kind not in _FLAT]
    for kind in kinds:
        if kind in _FLAT:
            drawing.unused(kind)
    if not drawn:
        return
    label = values.label(drawn[0].get("label"))
    if len(drawn) == 1 and kinds[parts.index(drawn[0])] in _BOX:
        drawing.box(label, rectangle_of(drawn[0]))
        return
    found = [_region(shape, limits) for shape in drawn]
    polygons = [region for region in found if isinstance(region, Polygons)]
    if polygons:
        drawing.region(label, Polygons([corners for region in polygons for corners in region.corners]))
    for region in found:
        if not isinstance(region, Polygons):
            drawing.region(label, region)


def rectangle_of(shape: dict[str, Any]) -> tuple[float, float, float, float]:
    points = values.pairs(shape.get("points"))
    if len(points) < 2:
        raise Unusable("box_malformed", "A rectangle has no two corners.", "Draw it again.")
    x, y = zip(*points, strict=True)
    return min(x), min(y), max(x), max(y)


def _region(shape: dict[str, Any], limits: Limits) -> Region:
    kind = str(shape.get("shape_type") or "polygon")
    if kind in _BOX:
        return rectangle(*rectangle_of(shape))
    points = values.pairs(shape.get("points"))
    if kind == "mask":
        return _bitmap(shape.get("mask"), points, limits)
    if kind == "circle" and len(points) == 2:
        (x, y), (edge_x, edge_y) = points
        radius = math.hypot(edge_x - x, edge_y - y)
        return ellipse(x, y, radius, radius)
    return Polygons([polygon(points)])


def _bitmap(stated: object, points: list[list[float]], limits: Limits) -> Bitmap:
    if not isinstance(stated, str) or not points:
        raise Unusable("region_malformed", "A shape of the kind mask has no mask.", "Draw it again.")
    left, top = (round(value) for value in points[0])
    return Bitmap(bitmap_of(stated.encode(), limits), left, top)


def bitmap_of(encoded: bytes, limits: Limits) -> Filled:
    """The pixels that a picture in base64 draws: those above 0, or not see-through. Raises Unusable."""
    try:
        return bitmap_in(base64.b64decode(encoded, validate=False), limits)
    except (binascii.Error, ValueError) as error:
        raise Unusable("region_malformed", "A bitmap is no base64.", "Export it again.") from error


def bitmap_in(file: bytes, limits: Limits) -> Filled:
    try:
        with Image.open(BytesIO(file), formats=["PNG"]) as image:
            if image.width * image.height <= limits.pixels:
                return _opaque(image) if image.mode in {"RGBA", "LA"} else _drawn(image)
    except Exception as error:  # Pillow raises nearly anything on a malformed file
        raise Unusable("region_malformed", "A bitmap cannot be decoded.", "Export it again.") from error
    raise Unusable("region_too_complex", "A bitmap is larger than any image may be.", "Draw it again.")


def _opaque(image: Image.Image) -> Filled:
    filled: Filled = np.asarray(image.getchannel("A")) > 0
    return filled


def _drawn(image: Image.Image) -> Filled:
    pixels = np.asarray(image)
    filled: Filled = np.any(pixels.reshape(image.height, image.width, -1), axis=2)
    return filled
