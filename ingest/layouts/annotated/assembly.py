"""From pages to images with annotations: each page gets its picture, each label its number. Once for all readers."""

import numpy as np

from contract.pack.manifest import IGNORE, Split
from contract.tasks import TaskName
from ingest import names
from ingest.annotations.boxes import Faulty, StatedBoxes, within_unit
from ingest.annotations.regions import Polygons
from ingest.annotations.stated_regions import StatedRegions
from ingest.findings import Refused
from ingest.layouts.annotated.layout import Annotated, Entry, Given
from ingest.layouts.annotated.naming import DROPPED, Numbers, numbered
from ingest.layouts.annotated.pages import Page, Stated, Tally
from ingest.layouts.annotated.placing import Placed, place
from ingest.layouts.annotated.split_lists import NO_LISTS, SplitLists
from ingest.layouts.annotated.unlabelled import settle_unlabelled
from ingest.layouts.finder import Finder
from ingest.marks import Annotation
from ingest.notes import Unusable

HONOURED = frozenset({"map", "drop", "unlabelled"})


def assemble(stated: Stated, given: Given, lists: SplitLists = NO_LISTS) -> Annotated:
    """Raises Refused where the pages cannot be meant as they are written."""
    images = lists.listed(given.images)
    placed = place(stated.pages, given.finder if images is given.images else Finder(images), given.findings)
    _check_shares(list(placed.pages.values()))
    _check_kind(stated.tally, given.task)
    _check_anything(placed, given.task)
    numbers = numbered(
        (label for page in placed.pages.values() for label in page.labels),
        stated.classes if stated.order is None else list(stated.order),
        given.asked,
        task=given.task,
        keeps_unused=stated.keeps_unused,
        findings=given.findings,
    )
    entries = [
        Entry(member, _split(placed.pages[at], lists, member.path, at), _annotation(placed, at, numbers, given.task))
        for at, member in placed.members.items()
    ]
    _tell_kind(stated.tally, given)
    entries += settle_unlabelled(
        given,
        images,
        set(placed.members),
        what=stated.what,
        fix=stated.fix,
        empty=lambda: _drawn(Page("", ""), numbers, given.task),
        split=lambda member: _split(Page("", ""), lists, member.path, member.position),
    )
    lists.tell(given.findings)
    return Annotated(stated.layout, numbers.classes, entries, stated.used | lists.paths, HONOURED)


def _split(page: Page, lists: SplitLists, path: str, position: int) -> Split | None:
    listed = lists.split(position)
    if listed is not None:
        return listed
    return page.split if page.split is not None else names.split_in(path)


def _annotation(placed: Placed, at: int, numbers: Numbers, task: TaskName) -> Annotation:
    if (why := placed.contested.get(at)) is not None:
        fix = "Give the images' whole paths in the annotation."
        return Faulty(Unusable("image_ambiguous", f"Two annotations claim the image: {why}.", fix))
    page = placed.pages[at]
    return Faulty(page.fault) if page.fault is not None else _drawn(page, numbers, task)


def _drawn(page: Page, numbers: Numbers, task: TaskName) -> Annotation:
    """The page's annotation, now that every class of the dataset is known."""
    found = [numbers[label] for label in page.labels]
    if task == "segmentation":
        painted = [
            (region, IGNORE if number == DROPPED else number, order)
            for (region, order), number in zip(page.regions, found, strict=True)
        ]
        return StatedRegions(painted, page.size, page.relative)
    kept = np.array([number != DROPPED for number in found], bool)
    corners = np.array(page.boxes, np.float64).reshape(-1, 4)
    labels = np.array(found, np.int32)
    return StatedBoxes(corners[kept], labels[kept], page.size, page.relative, page.kind)


def _check_shares(pages: list[Page]) -> None:
    """Raises Refused where a format that counts pixels holds nothing beyond 0..1, in any page."""
    judged = 0
    for page in pages:
        if page.relative or page.fault is not None or not page.labels:
            continue
        if not _all_within_unit(page):
            return
        judged += 1
    if judged:
        message = f"Every box or region of {pages[0].path} lies within 0..1, but the format counts pixels."
        raise Refused("box_in_shares", message, "Give x and y in pixels, or export the annotations again.")


def _all_within_unit(page: Page) -> bool:
    if page.boxes:
        return within_unit(np.array(page.boxes, np.float64).reshape(-1, 4))
    polygons = [region for region, _ in page.regions if isinstance(region, Polygons)]
    if len(polygons) < len(page.regions):
        return False
    return within_unit(np.array([region.bounds() for region in polygons], np.float64))


def _check_anything(placed: Placed, task: TaskName) -> None:
    """Raises Refused where sound pages say nothing at all."""
    sound = [page for page in placed.pages.values() if page.fault is None]
    if sound and not any(page.labels for page in placed.pages.values()):
        what = "box" if task == "detection" else "region"
        message = f"No image of the dataset has a {what}: {sound[0].path} and the others are empty."
        raise Refused("no_boxes", message, "Annotate at least some of the images.")


def _check_kind(tally: Tally | None, task: TaskName) -> None:
    if tally is None or not tally.drawn:
        return
    if task == "segmentation" and tally.from_boxes == tally.drawn:
        message = f"All {tally.drawn} objects are boxes. Segmentation needs masks or polygons."
        raise Refused("no_masks", message, "Train for detection (--task detection), or draw polygons or masks.")


def _tell_kind(tally: Tally | None, given: Given) -> None:
    if tally is None:
        return
    if tally.from_regions:
        message = f"{tally.from_regions} of {tally.drawn} boxes were drawn around polygons or masks of the dataset."
        given.findings.add("info", "boxes_from_regions", message)
    if tally.from_boxes:
        message = (
            f"{tally.from_boxes} of {tally.drawn} regions are rectangles; the whole rectangle counts as the object."
        )
        given.findings.add("warning", "regions_from_boxes", message, fix="Draw these objects as polygons.")
    if tally.lost:
        message = f"{tally.lost} further entries name images that are not in the archive."
        given.findings.add("warning", "image_missing", message, fix="Add the images, or remove the entries.")
    if tally.unlabelled:
        message = f"The annotations name no class; all {tally.unlabelled} shapes count as one class, 'object'."
        given.findings.add("warning", "classes_unnamed", message, fix="To give it a name, pass --map object=NAME.")
    for kind, count in tally.unused.items():
        message = f"{count} shapes of the kind {kind} cannot be used for {given.task} and were left out."
        given.findings.add("warning", "shapes_unused", message)
