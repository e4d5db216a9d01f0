"""Pascal VOC's boxes: an XML file for each image. XML is read without entities, document types or outside references.

Corners are taken as they stand, which is how today's tools write them; those of the original VOC20xx sets count pixels
from 1 and their first corner is moved by one.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ingest import names
from ingest.annotations.boxes import Faulty, StatedBoxes
from ingest.archives.members import Archive, Member
from ingest.findings import Findings
from ingest.layouts.annotated.image_sets import read_image_sets
from ingest.layouts.annotated.layout import Annotated, Entry, reject_unannotated
from ingest.layouts.finder import Finder
from ingest.limits import Limits
from ingest.marks import Annotation
from ingest.notes import Unusable

_ORIGINAL = re.compile(r"VOC20\d\d")
_EDGES = ("xmin", "ymin", "xmax", "ymax")
_FIX = "Export the annotation again as Pascal VOC XML."


class _Page(NamedTuple):
    """One XML file."""

    path: str
    image: str | None  # as it calls it
    labels: list[str]
    annotation: Annotation


class _Objects(NamedTuple):
    corners: list[list[float]]
    labels: list[str]


def read_voc(
    archive: Archive, others: list[Member], images: list[Member], *, limits: Limits, findings: Findings
) -> Annotated | None:
    """What the archive's XML files say; None where none of them is an annotation."""
    files = {member.position: member.path for member in others if names.suffix(member.path) == "xml"}
    pages = list(_pages(archive, files, limits, findings)) if files else []
    if not pages:
        return None
    sets = read_image_sets(archive, others, {"main"}, limits)
    classes = names.class_order(list({label for page in pages for label in page.labels}))
    numbers = {name: at for at, name in enumerate(classes)}
    listed = [member for member in images if names.stem(member.path) in sets]
    finder = Finder(listed)
    entries: dict[int, Entry] = {}
    for page in pages:
        member = _image_of(page, finder)
        if member is None:
            if names.stem(page.path) in sets:
                message = "no image belongs to the annotation"
                findings.add("warning", "image_missing", message, path=page.path, fix="Add the image it describes.")
            continue
        annotation = _numbered(page, numbers)
        entries.setdefault(member.position, Entry(member, sets.split(member.path), annotation))
    fix = "Add its XML file; without an object, if nothing is to be seen in it."
    reject_unannotated(listed, set(entries), "XML file", fix=fix, findings=findings)
    return Annotated("voc", classes, list(entries.values()), sets.paths | set(files.values()))


def _image_of(page: _Page, finder: Finder) -> Member | None:
    folder, split = page.path.rpartition("/")[0], names.split_in(page.path)
    found = finder.find(names.stem(page.path), folder, split)
    return found or (finder.find(page.image, folder, split) if page.image else None)


def _pages(archive: Archive, files: dict[int, str], limits: Limits, findings: Findings) -> Iterator[_Page]:
    for position, content in archive.read(files, limit=limits.annotation_bytes):
        path = files[position]
        try:
            root = fromstring(content, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
            why = "it declares entities or a document type" if isinstance(error, DefusedXmlException) else str(error)
            message = f"its annotation {path!r} is no sound XML: {names.printable(why)[:200]}"
            yield _Page(path, None, [], Faulty(Unusable("annotation_unreadable", message, _FIX)))
            continue
        if root.tag == "annotation":
            yield _page(path, root)
        else:
            findings.ignore(path, "file_ignored", "XML that is no Pascal VOC annotation")


def _page(path: str, root: Element) -> _Page:
    image = root.findtext("filename")
    try:
        objects = _objects(root)
        size = _size(root)
    except Unusable as unusable:
        return _Page(path, image, [], Faulty(unusable))
    corners = np.array(objects.corners, np.float64).reshape(-1, 4)
    if _ORIGINAL.fullmatch((root.findtext("folder") or "").strip()):
        corners[:, :2] -= 1
    labels = np.zeros(len(objects.labels), np.int32)
    return _Page(path, image, objects.labels, StatedBoxes(corners, labels, size))


def _numbered(page: _Page, numbers: dict[str, int]) -> Annotation:
    """The page's annotation, now that every class of the dataset is known."""
    if not isinstance(page.annotation, StatedBoxes):
        return page.annotation
    labels = np.array([numbers[label] for label in page.labels], np.int32)
    return StatedBoxes(page.annotation.corners, labels, page.annotation.stated_size)


def _objects(root: Element) -> _Objects:
    found = _Objects([], [])
    for entry in root.iter("object"):
        label = names.class_name(entry.findtext("name"))
        if label is None:
            raise Unusable("label_missing", "an object of the annotation has no name", "Name its class.")
        box = entry.find("bndbox")
        found.corners.append([_number(box, edge) for edge in _EDGES])
        found.labels.append(label)
    return found


def _number(box: Element | None, edge: str) -> float:
    text = box.findtext(edge) if box is not None else None
    try:
        return float(text or "")
    except ValueError as error:
        shown = names.printable(text or "")[:50]
        raise Unusable("box_malformed", f"the {edge} of a box is {shown!r}, not a number", _FIX) from error


def _size(root: Element) -> tuple[int, int] | None:
    """Height and width as stated; None where they are missing or 0, as some tools write them."""
    try:
        height, width = (int(float(root.findtext(f"size/{side}") or 0)) for side in ("height", "width"))
    except (ValueError, OverflowError):
        return None
    return (height, width) if height > 0 and width > 0 else None
