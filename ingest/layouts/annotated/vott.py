"""VoTT: an export of all assets with their regions, or a JSON file for each asset."""

from typing import Any

from contract.tasks import TaskName
from ingest.annotations.regions import Polygons, polygon
from ingest.layouts.annotated import values
from ingest.layouts.annotated.pages import Drawing, Page, Tally
from ingest.limits import Limits
from ingest.notes import Unusable

_SIDES = ("left", "top", "width", "height")


def is_vott(_path: str, stated: object) -> bool:
    if not isinstance(stated, dict):
        return False
    if isinstance(stated.get("assets"), dict) and stated["assets"]:
        return all(isinstance(each, dict) and ("asset" in each or "path" in each) for each in stated["assets"].values())
    return isinstance(stated.get("asset"), dict) and isinstance(stated.get("regions"), list)


def read_vott(path: str, stated: dict[str, Any], task: TaskName, tally: Tally, _limits: Limits) -> list[Page]:
    """A project's own file lists its assets without regions: those are in the assets' files."""
    listed = [stated] if "asset" in stated else [each for each in stated["assets"].values() if "asset" in each]
    return [_page(path, each, task, tally) for each in listed]


def _page(path: str, stated: dict[str, Any], task: TaskName, tally: Tally) -> Page:
    asset = stated["asset"] if isinstance(stated["asset"], dict) else {}
    called = [name for name in (asset.get("name"), asset.get("path")) if isinstance(name, str) and name]
    page = Page(path, called[-1] if called else "", also=tuple(called[:-1]))
    sides = asset.get("size")
    page.size = values.size(sides.get("height"), sides.get("width")) if isinstance(sides, dict) else None
    drawing = Drawing(task, tally)
    try:
        for region in values.entries(stated.get("regions")):
            _draw(region, drawing)
    except Unusable as unusable:
        page.fault = unusable.bare()
    return drawing.onto(page)


def _draw(region: dict[str, Any], drawing: Drawing) -> None:
    tags = region.get("tags")
    if not isinstance(tags, list) or not tags:
        raise Unusable("label_missing", "A region has no tag.", "Give it one.")
    if len(tags) > 1:
        message = f"A region has the tags {', '.join(map(str, tags[:4]))}; one class is needed."
        raise Unusable("label_ambiguous", message, "Keep one tag for each region.")
    label = values.label(tags[0])
    if region.get("type") == "POLYGON":
        drawing.region(label, Polygons([polygon(values.pairs(region.get("points")))]))
        return
    left, top, width, height = values.numbers(region.get("boundingBox"), _SIDES, "a bounding box")
    drawing.box(label, (left, top, left + width, top + height))
