"""CreateML: a list of images with boxes, each by its middle, width and height in pixels."""

from typing import Any

from contract.tasks import TaskName
from ingest.layouts.annotated import values
from ingest.layouts.annotated.pages import Drawing, Page, Tally
from ingest.limits import Limits
from ingest.notes import Unusable

_IMAGE = ("image", "imagefilename", "imageFilename")
_OBJECTS = ("annotations", "annotation")
_SIDES = ("x", "y", "width", "height")


def is_createml(_path: str, stated: object) -> bool:
    if not isinstance(stated, list) or not stated or not all(isinstance(each, dict) for each in stated):
        return False
    listed = [(_called(each), _objects(each)) for each in stated]
    some = [each for _, objects in listed for each in objects]
    return all(name for name, _ in listed) and bool(some) and all("coordinates" in each for each in some)


def read_createml(path: str, stated: list[dict[str, Any]], task: TaskName, tally: Tally, _limits: Limits) -> list[Page]:
    return [_page(path, each, task, tally) for each in stated]


def _page(path: str, stated: dict[str, Any], task: TaskName, tally: Tally) -> Page:
    page = Page(path, _called(stated))
    drawing = Drawing(task, tally)
    try:
        for each in _objects(stated):
            x, y, width, height = values.numbers(each.get("coordinates"), _SIDES, "a box")
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            drawing.box(values.label(each.get("label")), box)
    except Unusable as unusable:
        page.fault = unusable.bare()
    return drawing.onto(page)


def _called(stated: dict[str, Any]) -> str:
    return next((stated[key] for key in _IMAGE if isinstance(stated.get(key), str)), "")


def _objects(stated: dict[str, Any]) -> list[dict[str, Any]]:
    return next((values.entries(stated[key]) for key in _OBJECTS if key in stated), [])
