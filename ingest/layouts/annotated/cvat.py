"""CVAT for images 1.1: one XML with an element for each image. Masks, polygons, boxes, ellipses; z-order counts.

Tracks of CVAT for video are read where their frames are pictures of the archive (`frame_000017`).
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import numpy as np

from ingest import names
from ingest.annotations.regions import Bitmap, Polygons, Region, ellipse, polygon, turned
from ingest.findings import Refused
from ingest.layouts.annotated import xml_files
from ingest.layouts.annotated.assembly import assemble
from ingest.layouts.annotated.layout import Annotated, Given
from ingest.layouts.annotated.pages import Drawing, Page, Stated, Tally
from ingest.layouts.annotated.values import size
from ingest.notes import Unusable

_FIX = "Export the task again as CVAT for images 1.1."
_BOX = ("xtl", "ytl", "xbr", "ybr")
_AREAS = {"polygon", "mask", "ellipse"}
_MOST_PIXELS = 1 << 25  # of one mask
_ROOT = re.compile(rb"<annotations[\s>]")
_HEAD = 4_096
_FLAT = {"points", "polyline", "skeleton", "cuboid", "tag"}


def read_cvat(given: Given) -> Annotated | None:
    """What CVAT's XML files say; None where there is none. Raises Refused for one that is unsound."""
    files = {m.position: m.path for m in given.others if names.suffix(m.path) == "xml"}
    found = [
        (files[position], content)
        for position, content in (given.archive.read(files, limit=given.limits.annotations_bytes) if files else ())
        if _ROOT.search(content[:_HEAD]) is not None
    ]
    if not found:
        return None
    classes: dict[str, None] = {}
    tally = Tally()
    pages = (page for path, content in found for page in _pages(path, content, given, tally, classes))
    stated = Stated(
        "cvat",
        pages,
        used={path for path, _ in found},
        what="entry in CVAT's XML",
        fix="Add it to the task, or take it out.",
        tally=tally,
        order=classes,
    )
    return assemble(stated, given)


def _pages(path: str, content: bytes, given: Given, tally: Tally, classes: dict[str, None]) -> Iterator[Page]:
    tracks: dict[int, tuple[Page, Drawing]] = {}
    try:
        for element in xml_files.stream(path, content, {"image", "track", "labels"}, _FIX):
            if element.tag == "image" and not element.get("name"):
                tally.lost += 1
            elif element.tag == "image":
                yield _of_image(path, element, given, tally)
            elif element.tag == "track":
                _take_track(path, element, tracks, given, tally)
            else:
                classes |= dict.fromkeys(n for e in element.iterfind("label/name") if (n := names.class_name(e.text)))
    except Unusable as unusable:
        raise Refused("annotations_unreadable", unusable.fault.message, _FIX) from unusable
    if tracks:
        message = f"{path} holds tracks of a video; frame 17 is looked for as the picture frame_000017."
        given.findings.add("warning", "frames_by_number", message, path=path, fix=_FIX)
    for page, drawing in tracks.values():
        yield drawing.onto(page)


def _of_image(path: str, image: Element, given: Given, tally: Tally) -> Page:
    page = _new(path, image.get("name") or "", image)
    subset = (image.get("subset") or "").strip()
    page.split = names.split_named(subset)
    if subset and page.split is None and "/" not in page.image:
        page.also = (f"{subset}/{page.image}",)
    drawing = Drawing(given.task, tally)
    _fill(page, drawing, image)
    return drawing.onto(page)


def _new(path: str, name: str, image: Element) -> Page:
    page = Page(path, name)
    stated = [image.get(side, "") for side in ("height", "width")]
    if all(each.isdecimal() for each in stated):
        page.size = size(int(stated[0]), int(stated[1]))
    return page


def _fill(page: Page, drawing: Drawing, image: Element) -> None:
    try:
        for shape in image:
            _draw(shape, shape.get("label"), drawing)
    except Unusable as unusable:
        page.fault = unusable.bare()


def _take_track(
    path: str, track: Element, by_frame: dict[int, tuple[Page, Drawing]], given: Given, tally: Tally
) -> None:
    """The object of a track, in each frame that shows it."""
    for shape in track:
        frame = shape.get("frame", "")
        if not frame.isdecimal() or shape.get("outside") == "1":
            continue
        name = f"frame_{int(frame):06d}"
        if int(frame) not in by_frame and given.has_no_room(name, path, len(by_frame)):
            tally.lost += 1
            continue
        page, drawing = by_frame.setdefault(int(frame), (Page(path, name), Drawing(given.task, tally)))
        try:
            _draw(shape, track.get("label"), drawing)
        except Unusable as unusable:
            page.fault = unusable.bare()


def _draw(shape: Element, stated: str | None, drawing: Drawing) -> None:
    if shape.tag in _FLAT:
        drawing.unused(shape.tag)
        return
    if shape.tag not in _AREAS and shape.tag != "box":
        return
    label = names.class_name(stated)
    if label is None:
        raise Unusable("label_missing", "A shape has no label.", "Name its class.")
    order = int(xml_files.number(shape.get("z_order") or "0", "z_order", _FIX))
    turn = xml_files.number(shape.get("rotation") or "0", "rotation", _FIX)
    if shape.tag == "box":
        x1, y1, x2, y2 = (xml_files.number(shape.get(edge), edge, _FIX) for edge in _BOX)
        if not turn:
            drawing.box(label, (x1, y1, x2, y2), order)
            return
        corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float64)
        drawing.region(label, turned(corners, (x1 + x2) / 2, (y1 + y2) / 2, turn), order)
        return
    drawing.region(label, _region(shape, turn), order)


def _region(shape: Element, turn: float) -> Region:
    if shape.tag == "polygon":
        pairs = [point.split(",") for point in (shape.get("points") or "").split(";") if point.strip()]
        flat = [xml_files.number(value, "point", _FIX) for pair in pairs for value in pair]
        return Polygons([polygon(flat)])
    if shape.tag == "ellipse":
        x, y, across, down = (xml_files.number(shape.get(key), key, _FIX) for key in ("cx", "cy", "rx", "ry"))
        return ellipse(x, y, across, down, turn)
    return _bitmap(shape)


def _bitmap(shape: Element) -> Bitmap:
    """Run lengths of 0 and 1 by turns, row by row, within a rectangle."""
    left, top, width, height = (
        int(xml_files.number(shape.get(k), k, _FIX)) for k in ("left", "top", "width", "height")
    )
    try:
        runs = np.array([int(run) for run in (shape.get("rle") or "").split(",")], np.int64)
    except (ValueError, OverflowError) as error:
        raise Unusable("region_malformed", "A mask's run lengths are no numbers.", _FIX) from error
    pixels = width * height
    sound = 0 < pixels <= _MOST_PIXELS and width > 0 and bool((runs >= 0).all() and (runs <= pixels).all())
    if not sound or runs.sum() != pixels:
        raise Unusable("region_malformed", "A mask's run lengths do not add up to its rectangle.", _FIX)
    filled = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
    return Bitmap(filled, left, top)
