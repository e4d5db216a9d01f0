"""keras-yolo3: `_annotations.txt` with a line for each image, `7.jpg x1,y1,x2,y2,class ...`, and a list of names."""

import re
from dataclasses import replace

from ingest import names
from ingest.layouts.annotated.assembly import assemble
from ingest.layouts.annotated.class_names import read_class_names
from ingest.layouts.annotated.layout import Annotated, Given
from ingest.layouts.annotated.name_lists import ClassNames
from ingest.layouts.annotated.pages import Drawing, Page, Stated, Tally
from ingest.notes import Unusable

_LINE = re.compile(
    r"^(?P<image>.+?\.[A-Za-z]{3,5})(?P<boxes>(?:\s+-?\d+(?:\.\d+)?(?:,-?\d+(?:\.\d+)?){3},\d{1,5})*)\s*$"
)
_LOOKED_AT = 20
_LONGEST_LINE = 1 << 20
_FIX = "Write `image x1,y1,x2,y2,class`, one image a line."


def read_keras_yolo(given: Given) -> Annotated | None:
    """What such lists say; None where there is none."""
    files = {m.position: m.path for m in given.others if names.suffix(m.path) == "txt"}
    found: list[tuple[str, list[str]]] = []
    for position, content in given.archive.read(files, limit=given.limits.table_bytes) if files else ():
        lines = [line for line in content.decode("utf-8-sig", "replace").splitlines() if line.strip()]
        if _is_list(lines):
            found.append((files[position], lines))
    if not found:
        return None
    listed = {path for path, _ in found}
    others = [member for member in given.others if member.path not in listed]
    named = read_class_names(given.archive, others, given.images, given.limits, given.findings)
    tally = Tally()
    pages = (_page(path, line, named, given, tally) for path, lines in found for line in lines)
    stated = Stated(
        "keras_yolo",
        pages,
        named.names if named else None,
        keeps_unused=named is not None,
        used=listed | ({named.path} if named else set()),
        what="line in the list",
        fix="Add its line; without boxes, if nothing is to be seen in it.",
        tally=tally,
    )
    if named is None:
        message = "No list of names was found, so the classes are called class_0, class_1 and so on, by their numbers."
        given.findings.add("warning", "classes_unnamed", message, fix="Add _classes.txt with one name a line.")
    return assemble(stated, replace(given, others=others))


def _is_list(lines: list[str]) -> bool:
    """Whether the first lines name images, and one of them has boxes."""
    some = [_LINE.match(line) if len(line) < _LONGEST_LINE else None for line in lines[:_LOOKED_AT]]
    named = [match for match in some if match and names.is_image(match["image"])]
    return bool(named) and len(named) == len(some) and any(match["boxes"] for match in named)


def _page(path: str, line: str, named: ClassNames | None, given: Given, tally: Tally) -> Page:
    match = _LINE.match(line) if len(line) < _LONGEST_LINE else None
    if match is None:
        shown = names.printable(line)[:80]
        fault = Unusable("box_malformed", f"A line of {path} is not as it should be: {shown!r}.", _FIX)
        return Page(path, line.split(maxsplit=1)[0], fault=fault)
    page = Page(path, match["image"], split=names.split_of_words(names.stem(path)))
    drawing = Drawing(given.task, tally)
    try:
        for box in match["boxes"].split():
            *edges, number = box.split(",")
            x1, y1, x2, y2 = map(float, edges)
            drawing.box(_label(int(number), named), (x1, y1, x2, y2))
    except Unusable as unusable:
        page.fault = unusable.bare()
    return drawing.onto(page)


def _label(number: int, named: ClassNames | None) -> str:
    if named is None:
        return f"class_{number}"
    label = named.name(number)
    if label is None:
        message = f"A box is of the class {number}, but the classes are {named.shown_numbers()}."
        raise Unusable("class_out_of_range", message, "Correct the class, or name every class.")
    return label
