"""Label Studio's JSON and JSON-MIN: tasks with results in percent of the image; and its brush's own run lengths."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from contract.tasks import TaskName
from ingest.annotations.regions import Bitmap, Polygons, ellipse, polygon, turned
from ingest.layouts.annotated import values
from ingest.layouts.annotated.brush import unbrushed
from ingest.layouts.annotated.pages import Drawing, Page, Tally
from ingest.limits import Limits
from ingest.notes import Unusable

_UPLOADED = re.compile(r"^[0-9a-f]{6,12}-(?=.)")  # what an upload's name begins with
_RESULTS = ("rectanglelabels", "polygonlabels", "ellipselabels", "brushlabels", "keypointlabels", "labels")
_FLAT = {"keypoint", "keypointlabels"}
_FIX = "Correct the object in Label Studio and export again."


def is_label_studio(_path: str, stated: object) -> bool:
    if not isinstance(stated, list) or not stated or not all(isinstance(each, dict) for each in stated):
        return False
    return all(_is_task(each) or _is_short(each) for each in stated)


def read_label_studio(
    path: str, stated: list[dict[str, Any]], task: TaskName, tally: Tally, limits: Limits
) -> list[Page]:
    """Tasks that nobody has annotated yet have no page."""
    pages = []
    for each in stated:
        results = _results(each, tally)
        if results is not None:
            page = _new(path, each["data"] if _is_task(each) else each)
            pages.append(_filled(page, results, Drawing(task, tally), limits))
    return pages


def _is_task(each: dict[str, Any]) -> bool:
    return isinstance(each.get("data"), dict) and isinstance(each.get("annotations", each.get("completions")), list)


def _is_short(each: dict[str, Any]) -> bool:
    """JSON-MIN: the results stand in the task itself."""
    return "annotations" not in each and "annotation_id" in each and any(isinstance(v, str) for v in each.values())


def _results(each: dict[str, Any], tally: Tally) -> list[dict[str, Any]] | None:
    if not _is_task(each):
        lists = [value for value in each.values() if isinstance(value, list)]
        return [result for found in lists for result in values.entries(found)]
    made = [
        one for one in values.entries(each.get("annotations", each.get("completions"))) if not one.get("was_cancelled")
    ]
    if not made:
        return None
    if len(made) > 1:
        tally.unused["a second annotator's result"] += len(made) - 1
    return values.entries(made[0].get("result"))


def _new(path: str, held: dict[str, Any]) -> Page:
    called = _called(held)
    last = called.rsplit("/", 1)[-1]
    return Page(path, called, also=tuple(dict.fromkeys((last, _UPLOADED.sub("", last)))))


def _filled(page: Page, results: list[dict[str, Any]], drawing: Drawing, limits: Limits) -> Page:
    try:
        for result in results:
            _draw(result, page, drawing, limits)
    except Unusable as unusable:
        page.fault = unusable.bare()
    return drawing.onto(page)


def _called(held: dict[str, Any]) -> str:
    """The image's name out of `/data/local-files/?d=set/7.jpg`, `s3://bucket/7.jpg` or a path."""
    texts: list[str] = [held[key] for key in ("image", "img", "url") if isinstance(held.get(key), str)]
    texts += [value for value in held.values() if isinstance(value, str) and "." in value]
    if not texts:
        return ""
    place = urlsplit(texts[0])
    wanted = parse_qs(place.query).get("d")
    return wanted[0] if wanted else place.path if place.scheme else texts[0]


def _draw(result: dict[str, Any], page: Page, drawing: Drawing, limits: Limits) -> None:
    kind = str(result.get("type") or "")
    held = result["value"] if isinstance(result.get("value"), dict) else result
    labels = next((held[key] for key in _RESULTS if isinstance(held.get(key), list)), None)
    if labels is None or kind == "choices":
        drawing.unused(kind or "choice")
        return
    if len(labels) != 1:
        raise Unusable("label_ambiguous", f"An object has {len(labels)} labels.", "Give each object one label.")
    if kind in _FLAT or "keypointlabels" in held:
        drawing.unused("keypoint")
        return
    size = values.size(*(result.get(key, held.get(key)) for key in ("original_height", "original_width")))
    if size is None:
        raise Unusable("size_missing", "An object states no original_width and original_height.", _FIX)
    if result.get("image_rotation", held.get("image_rotation")) not in {0, None}:
        raise Unusable(
            "image_turned", "The image was turned in Label Studio.", "Save it upright and annotate it again."
        )
    page.size = size
    _shape(values.label(labels[0]), held, size, drawing, limits)


def _shape(label: str, held: dict[str, Any], size: tuple[int, int], drawing: Drawing, limits: Limits) -> None:
    height, width = size
    scale = np.array([width, height], np.float64) / 100
    if isinstance(held.get("points"), list):
        drawing.region(label, Polygons([polygon(values.pairs(held["points"])) * scale]))
    elif "rle" in held:
        drawing.region(label, Bitmap(unbrushed(held["rle"], size, limits), 0, 0))
    elif "radiusX" in held:
        x, y, across, down = values.numbers(held, ("x", "y", "radiusX", "radiusY"), "an ellipse")
        turn = values.number(held.get("rotation") or 0, "a rotation")
        drawing.region(label, ellipse(x * scale[0], y * scale[1], across * scale[0], down * scale[1], turn))
    else:
        x, y, across, down = values.numbers(held, ("x", "y", "width", "height"), "a rectangle")
        x1, y1, x2, y2 = x * scale[0], y * scale[1], (x + across) * scale[0], (y + down) * scale[1]
        turn = values.number(held.get("rotation") or 0, "a rotation")
        if turn:
            corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
            drawing.region(label, turned(corners, x1, y1, turn))
        else:
            drawing.box(label, (float(x1), float(y1), float(x2), float(y2)))
