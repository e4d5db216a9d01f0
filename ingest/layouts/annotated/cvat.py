"""CVAT for images 1.1: one XML with an element for each image. Masks, polygons, boxes, ellipses; z-order counts.

Tracks of CVAT for video are read where their frames are pictures of the archive (`frame_000017`).
"""

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
_MOST_PIXELS = 1 << 27
_FLAT = {"points", "polyline", "skeleton", "cuboid", "tag"}


def read_cvat(given: Given) -> Annotated | None:
    """What CVAT's XML files say; None where there is none."""
    files = {m.position: m.path for m in given.others if names.suffix(m.path) == "xml"}
    pages: list[Page] = []
    used: set[str] = set()
    classes: dict[str, None] = {}
    tally = Tally()
    for position, content in given.archive.read(files, limit=given.limits.annotations_bytes) if files else ():
        if b"<annotations" not in content[:4096]:
            continue
        try:
            root = xml_files.parse(files[position], content, _FIX)
        except Unusable as unusable:
            raise Refused("annotations_unreadable", unusable.fault.message, _FIX) from unusable
        if root.tag != "annotations":
            continue
        found = list(_pages(files[position], root, given, tally))
        if found:
            pages += found
            used.add(files[position])
            classes |= dict.fromkeys(name for e in root.iterfind(".//label/name") if (name := names.class_name(e.text)))
    if not pages:
        return None
    return assemble(
        Stated(
            "cvat", pages, list(classes), used=used, what="entry in CVAT's XML", tally=tally,
            fix="Add it to the task, or take it out.",
        ),
        given,
    )  # fmt: skip


def _pages(path: str, root: Element, given: Given, tally: Tally) -> Iterator[Page]:
    for image in root.iterfind("image"):
        page = _new(path, image.get("name") or "", image)
        subset = (image.get("subset") or "").strip()
        page.split = names.split_named(subset)
        if subset and page.split is None and "/" not in page.image:
            page.also = (f"{subset}/{page.image}",)
        drawing = Drawing(given.task, tally)
        _fill(page, drawing, image)
        yield drawing.onto(page)
    yield from _of_tracks(path, root, given, tally)


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
        page.fault = unusable


def _of_tracks(path: str, root: Element, given: Given, tally: Tally) -> Iterator[Page]:
    """A page for each frame that a track shows an object in."""
    by_frame: dict[int, tuple[Page, Drawing]] = {}
    for track in root.iterfind("track"):
        for shape in track:
            frame = shape.get("frame", "")
            if not frame.isdecimal() or shape.get("outside") == "1":
                continue
            name = f"frame_{int(frame):06d}"
            page, drawing = by_frame.setdefault(int(frame), (Page(path, name), Drawing(given.task, tally)))
            try:
                _draw(shape, track.get("label"), drawing)
            except Unusable as unusable:
                page.fault = unusable
    if by_frame:
        message = f"{path} holds tracks of a video; frame 17 is looked for as the picture frame_000017"
        given.findings.add("warning", "frames_by_number", message, path=path, fix=_FIX)
    for page, drawing in by_frame.values():
        yield drawing.onto(page)


def _draw(shape: Element, stated: str | None, drawing: Drawing) -> None:
    if shape.tag in _FLAT:
        drawing.unused(shape.tag)
        return
    if shape.tag not in _AREAS and shape.tag != "box":
        return
    label = names.class_name(stated)
    if label is None:
        raise Unusable("label_missing", "a shape has no label", "Name its class.")
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
        raise Unusable("region_malformed", "a mask's run lengths are no numbers", _FIX) from error
    pixels = width * height
    sound = 0 < pixels <= _MOST_PIXELS and width > 0 and bool((runs >= 0).all() and (runs <= pixels).all())
    if not sound or runs.sum() != pixels:
        raise Unusable("region_malformed", "a mask's run lengths do not add up to its rectangle", _FIX)
    filled = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
    return Bitmap(filled, left, top)
