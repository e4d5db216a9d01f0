"""Pascal VOC's boxes: an XML file for each image.

Corners are taken as they stand, which is how today's tools write them; those of the original VOC20xx sets count pixels
from 1 and their first corner is moved by one. An XML file belongs to the picture of its own name; where there is none,
or there are several, to the one that it calls `filename`.
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from ingest import names
from ingest.annotations.regions import Polygons, polygon
from ingest.archives.members import Member
from ingest.layouts.annotated import xml_files
from ingest.layouts.annotated.assembly import assemble
from ingest.layouts.annotated.layout import Annotated, Given
from ingest.layouts.annotated.pages import Drawing, Page, Stated, Tally
from ingest.layouts.annotated.pairing import bare_stem, pair
from ingest.layouts.annotated.split_lists import read_image_sets, read_named_lists
from ingest.notes import Unusable

_ORIGINAL = re.compile(r"VOC20\d\d")
_EDGES = ("xmin", "ymin", "xmax", "ymax")
_FIX = "Export the annotation again as Pascal VOC XML."


def read_voc(given: Given) -> Annotated | None:
    """What the archive's XML files say; None where none of them is an annotation."""
    files = {member.position: member for member in given.others if _may_be_page(member, given)}
    tally = Tally()
    pages = list(_pages(given, files, tally)) if files else []
    if not pages:
        return None
    if tally.difficult:
        message = f"{tally.difficult} objects are marked as difficult; they were read as any other."
        given.findings.add("info", "difficult_kept", message)
    _place_by_name(pages, files, given.images, given)
    lists = read_image_sets(given.archive, given.others, given.images, "main", given.limits)
    if not lists.splits:
        lists = read_named_lists(given.archive, given.others, given.images, given.limits)
    fix = "Add its XML file. If the image shows no object, list none."
    used = {member.path for member in files.values() if names.suffix(member.path) == "xml"} | {p.path for p in pages}
    return assemble(Stated("voc", pages, used=used, what="XML file", fix=fix, tally=tally), given, lists)


def _may_be_page(member: Member, given: Given) -> bool:
    """XML by its name, or without a suffix and called as a picture, as in Stanford Dogs."""
    last = member.path.rpartition("/")[2]
    return names.suffix(member.path) == "xml" or ("." not in last and last in given.stems)


def _place_by_name(pages: list[Page], files: dict[int, Member], images: list[Member], given: Given) -> None:
    """Give each page the picture of its XML's own name. Says where `filename` names another picture."""
    pairs = pair(images, list(files.values()))
    owners = {file.path: position for position, file in pairs.found.items()}
    by_position = {member.position: member for member in images}
    other = []
    for page in pages:
        if (position := owners.get(page.path)) is None:
            continue
        page.member = by_position[position]
        if page.image and bare_stem(page.image.replace("\\", "/")) != bare_stem(page.member.path):
            other.append(page)
    if other:
        called, its = names.printable(other[0].image)[:200], other[0].member
        message = f"{len(other)} XML files name another image than the one with their own name: "
        message += f"{called!r}, but {its.path if its else ''!r} was taken."
        fix = "If the other image is right, rename the XML files; else correct <filename>."
        given.findings.add("warning", "filename_differs", message, path=other[0].path, fix=fix)


def _pages(given: Given, files: dict[int, Member], tally: Tally) -> Iterator[Page]:
    for position, content in given.archive.read(files, limit=given.limits.annotation_bytes):
        path = files[position].path
        if names.suffix(path) != "xml" and not content.lstrip().startswith(b"<"):
            continue
        try:
            root = xml_files.parse(path, content, _FIX)
        except Unusable as unusable:
            yield Page(path, names.stem(path), fault=unusable)
            continue
        if root.tag == "annotation":
            yield _page(path, root, given, tally)
        else:
            given.findings.ignore(path, "file_ignored", "This XML is not a Pascal VOC annotation.")


def _page(path: str, root: Element, given: Given, tally: Tally) -> Page:
    page = Page(path, (root.findtext("filename") or "").strip() or names.stem(path))
    folder = (root.findtext("folder") or "").strip()
    whole = (root.findtext("path") or "").strip()
    page.also = tuple(filter(None, (f"{folder}/{page.image}" if folder else "", whole, names.stem(path))))
    drawing = Drawing(given.task, tally)
    try:
        shift = 1 if _ORIGINAL.fullmatch(folder) else 0
        for entry in root.iter("object"):
            _draw(entry, shift, drawing)
            tally.difficult += (entry.findtext("difficult") or "").strip() == "1"
        page.size = _size(root)
    except Unusable as unusable:
        page.fault = unusable.bare()
    return drawing.onto(page)


def _draw(entry: Element, shift: int, drawing: Drawing) -> None:
    label = names.class_name(entry.findtext("name"))
    if label is None:
        raise Unusable("label_missing", "An object of the annotation has no name.", "Name its class.")
    box = entry.find("bndbox")
    if box is None and entry.find("polygon/pt") is not None:
        if (entry.findtext("deleted") or "").strip() != "1":
            drawing.region(label, _outline(entry))
        return
    edges = [xml_files.number(box.findtext(edge) if box is not None else None, edge, _FIX) for edge in _EDGES]
    drawing.box(label, (edges[0] - shift, edges[1] - shift, edges[2], edges[3]))


def _outline(entry: Element) -> Polygons:
    """LabelMe's own XML: points of a polygon."""
    flat = [
        xml_files.number(point.findtext(axis), axis, _FIX)
        for point in entry.iterfind("polygon/pt")
        for axis in ("x", "y")
    ]
    return Polygons([polygon(flat)])


def _size(root: Element) -> tuple[int, int] | None:
    """Height and width as stated; None where they are missing or 0, as some tools write them."""
    try:
        height, width = (int(float(root.findtext(f"size/{side}") or 0)) for side in ("height", "width"))
    except (ValueError, OverflowError):
        return None
    return (height, width) if height > 0 and width > 0 else None
