"""VGG Image Annotator: JSON of regions by image, of the versions 1 and 2, or its table (`via_csv`)."""

import json
import math
from typing import Any

from contract.tasks import TaskName
from ingest.annotations.regions import Polygons, ellipse, polygon
from ingest.layouts.annotated import values
from ingest.layouts.annotated.pages import Drawing, Page, Tally
from ingest.limits import Limits
from ingest.notes import Unusable

_FLAT = {"point", "line", "polyline"}
_LABELS = ("class", "label", "name", "type", "category", "object", "species")


def is_via(_path: str, stated: object) -> bool:
    listed = _listed(stated)
    return bool(listed) and all(
        isinstance(each, dict)
        and isinstance(each.get("filename"), str)
        and isinstance(each.get("regions"), dict | list)
        for each in listed
    )


def read_via(path: str, stated: dict[str, Any], task: TaskName, tally: Tally, _limits: Limits) -> list[Page]:
    pages = []
    bare = not any(region.get("region_attributes") for each in _listed(stated) for region in _regions(each))
    for each in _listed(stated):
        page = Page(path, each["filename"])
        drawing = Drawing(task, tally)
        try:
            for region in _regions(each):
                about = None if bare else region.get("region_attributes")
                _draw(region.get("shape_attributes"), about, drawing, bare=bare)
        except Unusable as unusable:
            page.fault = unusable.bare()
        pages.append(drawing.onto(page))
    return pages


def read_via_rows(path: str, rows: list[dict[str, str]], task: TaskName, tally: Tally) -> list[Page]:
    """A row for each region; an image without one has a row that says `{}`."""
    by_image: dict[str, tuple[Page, Drawing]] = {}
    bare = all((row.get("region_attributes") or "{}").strip() in {"{}", ""} for row in rows)
    for row in rows:
        page, drawing = by_image.setdefault(
            row.get("filename") or "", (Page(path, row.get("filename") or ""), Drawing(task, tally))
        )
        try:
            shape, about = (_parsed(row.get(key)) for key in ("region_shape_attributes", "region_attributes"))
            if shape:
                _draw(shape, about, drawing, bare=bare)
        except Unusable as unusable:
            page.fault = unusable.bare()
    return [drawing.onto(page) for page, drawing in by_image.values()]


def _draw(shape: object, about: object, drawing: Drawing, *, bare: bool) -> None:
    """`bare`: no region of the set says what it shows. Raises Unusable."""
    kind = shape.get("name") if isinstance(shape, dict) else None
    if not isinstance(shape, dict) or kind in _FLAT:
        drawing.unused(str(kind or "unknown"))
        return
    label = drawing.unlabelled() if bare else _label(about)
    if kind == "rect":
        x, y, width, height = values.numbers(shape, ("x", "y", "width", "height"), "a rectangle")
        drawing.box(label, (x, y, x + width, y + height))
    elif kind == "circle":
        x, y, radius = values.numbers(shape, ("cx", "cy", "r"), "a circle")
        drawing.region(label, ellipse(x, y, radius, radius))
    elif kind == "ellipse":
        x, y, radius_x, radius_y = values.numbers(shape, ("cx", "cy", "rx", "ry"), "an ellipse")
        turned = values.number(shape.get("theta", 0), "an angle")
        drawing.region(label, ellipse(x, y, radius_x, radius_y, math.degrees(turned)))
    elif (
        kind == "polygon"
        and isinstance(shape.get("all_points_x"), list)
        and isinstance(shape.get("all_points_y"), list)
    ):
        across, down = shape["all_points_x"], shape["all_points_y"]
        if len(across) != len(down):
            raise Unusable("region_malformed", "A polygon has more x than y.", "Draw it again.")
        drawing.region(label, Polygons([polygon([list(pair) for pair in zip(across, down, strict=True)])]))
    else:
        drawing.unused(str(kind))


def _is_image(each: object) -> bool:
    if not isinstance(each, dict):
        return False
    return isinstance(each.get("filename"), str) and isinstance(each.get("regions"), dict | list)


def _listed(stated: object) -> list[Any]:
    if not isinstance(stated, dict):
        return []
    held = stated.get("_via_img_metadata", stated)
    return list(held.values()) if isinstance(held, dict) else []


def _regions(each: dict[str, Any]) -> list[dict[str, Any]]:
    regions = each["regions"]
    return values.entries(list(regions.values()) if isinstance(regions, dict) else regions)


def _label(about: object) -> str:
    """The attribute that is called a class, or the only one there is."""
    if not isinstance(about, dict) or not about:
        raise Unusable("label_missing", "A region has no attribute that names its class.", "Name its class.")
    known = [key for key in about if str(key).casefold() in _LABELS] or list(about)
    if len(known) > 1:
        message = f"A region has the attributes {', '.join(map(str, known[:4]))}; one of them must be called class."
        raise Unusable("label_ambiguous", message, "Call the attribute that names the class `class`.")
    value = about[known[0]]
    if isinstance(value, dict):
        chosen = [key for key, on in value.items() if on in {True, "true", "1"}]
        if len(chosen) != 1:
            raise Unusable("label_ambiguous", f"A region is of {len(chosen)} classes.", "Choose one for each region.")
        value = chosen[0]
    return values.label(value)


def _parsed(text: str | None) -> object:
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise Unusable("annotation_unreadable", "A row's attributes are no JSON.", "Export the table again.") from error
