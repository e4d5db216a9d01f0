"""Hugging Face's image folders for detection: metadata.jsonl with `file_name` and `objects`.

`bbox` is x, y, width, height, as its documentation has it, unless the lines themselves show that it is two corners.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ingest import names
from ingest.annotations.boxes import Corners
from ingest.findings import Findings
from ingest.layouts.annotated import values
from ingest.layouts.annotated.assembly import assemble
from ingest.layouts.annotated.class_names import read_class_names
from ingest.layouts.annotated.layout import Annotated, Given
from ingest.layouts.annotated.pages import Drawing, Page, Stated, Tally
from ingest.notes import Unusable

BOXES = ("bbox", "bboxes", "boxes", "box")
LABELS = ("category", "categories", "label", "labels", "class", "classes", "category_id", "name")
_SLACK = 1.02
Naming = Callable[[int], str | None]


def read_metadata(given: Given) -> Annotated | None:
    """What such files say; None where none has objects."""
    rows = [(path, row) for path, row in _rows(given) if isinstance(row.get("objects"), dict | list)]
    if not rows:
        return None
    named = read_class_names(given.archive, given.others, given.images, given.limits, given.findings)
    corners = corners_rule([row for _, row in rows], given.findings)
    tally = Tally()
    naming = named.name if named else lambda number: f"class_{number}"
    pages = [_page(path, row, Drawing(given.task, tally), naming, corners=corners) for path, row in rows]
    used = {path for path, _ in rows} | ({named.path} if named else set())
    fix = "Add its line. If the image shows no object, leave the lists empty."
    stated = Stated("hugging_face", pages, named.names if named else None, used=used, what="line", fix=fix, tally=tally)
    if named is None and any(label.startswith("class_") for page in pages for label in page.labels):
        message = "The categories are numbers without names, so the classes are called class_0, class_1 and so on."
        given.findings.add("warning", "classes_unnamed", message, fix="Add classes.txt with one name a line.")
    return assemble(stated, given)


def _rows(given: Given) -> Iterator[tuple[str, dict[str, Any]]]:
    files = {m.position: m.path for m in given.others if names.suffix(m.path) == "jsonl"}
    for position, content in given.archive.read(files, limit=given.limits.table_bytes) if files else ():
        for line in content.decode("utf-8-sig", "replace").splitlines():
            try:
                row = json.loads(line) if line.strip() else None
            except (ValueError, RecursionError):
                message = "A line is no JSON and was left out."
                given.findings.add("warning", "annotation_malformed", message, path=files[position], fix="Correct it.")
                continue
            if isinstance(row, dict) and isinstance(row.get("file_name"), str):
                yield files[position], row


def _page(path: str, row: dict[str, Any], drawing: Drawing, naming: Naming, *, corners: bool) -> Page:
    page = Page(path, row["file_name"], size=values.size(row.get("height"), row.get("width")))
    page.kind = "corners" if corners else "sides"
    try:
        draw_objects(row["objects"], drawing, naming, corners=corners)
    except Unusable as unusable:
        page.fault = unusable.bare()
    return drawing.onto(page)


def draw_objects(objects: object, drawing: Drawing, naming: Naming, *, corners: bool) -> None:
    """`naming` says what a number stands for, or None. Raises Unusable."""
    for box, label in paired(objects):
        four = _four(box)
        title = naming(label) if type(label) is int else values.label(label)
        if title is None:
            raise Unusable("class_out_of_range", f"An object is of the class {label}, which has no name.", "Name it.")
        x1, y1, x2, y2 = four if corners else (four[0], four[1], four[0] + four[2], four[1] + four[3])
        drawing.box(title, (x1, y1, x2, y2))


def paired(objects: object) -> list[tuple[object, object]]:
    """Boxes with their classes, out of lists side by side or a list of objects. Raises Unusable."""
    if isinstance(objects, dict):
        boxes: list[object] = next((objects[key] for key in BOXES if isinstance(objects.get(key), list)), [])
        labels: list[object] = next((objects[key] for key in LABELS if isinstance(objects.get(key), list)), [])
        if len(boxes) != len(labels):
            message = f"An image has {len(boxes)} boxes and {len(labels)} classes."
            raise Unusable("annotation_malformed", message, "Give each box one class.")
        return list(zip(boxes, labels, strict=True))
    return [
        (next((each[k] for k in BOXES if k in each), None), next((each[k] for k in LABELS if k in each), None))
        for each in values.entries(objects)
    ]


def corners_rule(rows: list[dict[str, Any]], findings: Findings) -> bool:
    """Whether `bbox` is two corners. Only where it cannot be x, y, width, height."""
    boxes, sides = _boxes_with_sides(rows)
    if not len(boxes):
        return False
    as_sides = (boxes[:, :2] + boxes[:, 2:] <= sides * _SLACK).all(axis=1)
    as_corners = (boxes[:, 2:] > boxes[:, :2]).all(axis=1) & (boxes[:, 2:] <= sides * _SLACK).all(axis=1)
    if as_corners.all() and not as_sides.all():
        beyond = int((~as_sides).sum())
        message = f"`bbox` was read as x1, y1, x2, y2. Read as x, y, width, height, {beyond} of {len(boxes)} boxes "
        message += "would leave their image."
        findings.add("warning", "boxes_as_corners", message, fix="Write x, y, width, height where that is meant.")
        return True
    return False


def _boxes_with_sides(rows: list[dict[str, Any]]) -> tuple[Corners, Corners]:
    boxes: list[list[float]] = []
    sides: list[tuple[int, int]] = []
    for row in rows:
        size = values.size(row.get("height"), row.get("width"))
        try:
            found = [_four(box) for box, _ in paired(row["objects"])] if size else []
        except Unusable:
            continue
        boxes += found
        sides += [(size[1], size[0])] * len(found) if size else []
    return np.array(boxes, np.float64).reshape(-1, 4), np.array(sides, np.float64).reshape(-1, 2)


def _four(box: object) -> list[float]:
    if not isinstance(box, list) or len(box) != 4:
        raise Unusable("box_malformed", "A bbox is not four numbers.", "Give x, y, width and height.")
    return [values.number(each, "a part of a bbox") for each in box]
