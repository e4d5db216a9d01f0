"""Supervisely: a JSON file for each image in ann/ beside img/, and meta.json with the classes.

Rectangles, polygons with holes, and bitmaps (a compressed PNG in base64, with its origin).
"""

import base64
import binascii
import zlib
from typing import Any

from contract.tasks import TaskName
from ingest import names
from ingest.annotations.regions import Bitmap, Region
from ingest.layouts.annotated import values
from ingest.layouts.annotated.labelme import bitmap_in
from ingest.layouts.annotated.pages import Drawing, Page, Tally
from ingest.limits import Limits
from ingest.notes import Unusable

_AREAS = {"polygon", "bitmap", "alpha_mask"}


def is_supervisely(_path: str, stated: object) -> bool:
    return (
        isinstance(stated, dict)
        and isinstance(stated.get("objects"), list)
        and isinstance(stated.get("size"), dict)
        and {"height", "width"} <= stated["size"].keys()
    )


def is_meta(_path: str, stated: object) -> bool:
    """Whether it is the file that lists the classes."""
    if not isinstance(stated, dict) or not isinstance(stated.get("classes"), list) or not stated["classes"]:
        return False
    return all(isinstance(each, dict) and "title" in each and "shape" in each for each in stated["classes"])


def class_order(stated: dict[str, Any]) -> list[str]:
    return [name for each in stated["classes"] if (name := names.class_name(each["title"]))]


def read_supervisely(path: str, stated: dict[str, Any], task: TaskName, tally: Tally, limits: Limits) -> list[Page]:
    stem = names.stem(path)  # `7.jpg` of `7.jpg.json`
    parts = path.split("/")
    beside = "/".join([*parts[:-2], "img", stem]) if len(parts) > 1 else stem
    page = Page(path, f"../img/{stem}" if len(parts) > 1 else stem, also=(beside, stem))
    page.size = values.size(stated["size"]["height"], stated["size"]["width"])
    drawing = Drawing(task, tally)
    try:
        for each in values.entries(stated["objects"]):
            _draw(each, drawing, limits)
    except Unusable as unusable:
        page.fault = unusable.bare()
    return [drawing.onto(page)]


def _draw(each: dict[str, Any], drawing: Drawing, limits: Limits) -> None:
    kind = str(each.get("geometryType") or ("bitmap" if each.get("bitmap") else "polygon"))
    if kind == "rectangle":
        (x1, y1), (x2, y2) = _exterior(each)[:2]
        drawing.box(values.label(each.get("classTitle")), (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))
    elif kind in _AREAS:
        drawing.region(values.label(each.get("classTitle")), _region(each, kind, limits))
    else:
        drawing.unused(kind)


def _region(each: dict[str, Any], kind: str, limits: Limits) -> Region:
    if kind == "polygon":
        points = each.get("points")
        return values.outline(_exterior(each), points.get("interior") if isinstance(points, dict) else [])
    bitmap = each.get("bitmap")
    if not isinstance(bitmap, dict) or not isinstance(bitmap.get("data"), str):
        raise Unusable("region_malformed", "An object of the kind bitmap has no data.", "Export it again.")
    left, top = (int(value) for value in values.pairs([bitmap.get("origin")])[0])
    return Bitmap(bitmap_in(_inflated(bitmap["data"], limits), limits), left, top)


def _exterior(each: dict[str, Any]) -> list[list[float]]:
    points = each.get("points")
    found = values.pairs(points.get("exterior") if isinstance(points, dict) else None)
    if len(found) < 2:
        raise Unusable("region_malformed", "An object has fewer than two points.", "Draw it again.")
    return found


def _inflated(data: str, limits: Limits) -> bytes:
    try:
        unpacker = zlib.decompressobj()
        file = unpacker.decompress(base64.b64decode(data), limits.annotation_bytes)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise Unusable("region_malformed", "A bitmap's data cannot be unpacked.", "Export it again.") from error
    if unpacker.unconsumed_tail:
        raise Unusable("region_malformed", "A bitmap's data is too long.", "Export it again.")
    return file
