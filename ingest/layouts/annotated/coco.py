"""COCO JSON: one file or one for each split, with boxes, polygons or run lengths.

Categories that no annotation uses are left out. In a mask `background` is the class 0, and where regions of two
classes overlap nobody is right (255), as torchvision's reference training takes it. Crowds count as their class in a
mask and are no boxes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from contract.pack.manifest import BACKGROUND, IGNORE, Split
from contract.tasks import TaskName
from ingest import names
from ingest.annotations import masks, regions
from ingest.annotations.boxes import Faulty, StatedBoxes, check_size
from ingest.annotations.regions import Region
from ingest.archives.members import Archive, Member
from ingest.findings import Findings, Refused
from ingest.layouts.annotated.layout import Annotated, Entry, reject_unannotated
from ingest.layouts.finder import Finder
from ingest.limits import Limits
from ingest.marks import Annotation, Marks
from ingest.notes import Unusable

_LISTS = ("images", "annotations", "categories")
_FIX = "Export it again as COCO JSON, with images, annotations and categories."


@dataclass(frozen=True)
class StatedRegions:
    regions: list[tuple[Region, int]]  # with their classes
    stated_size: tuple[int, int] | None

    @property
    def weight(self) -> int:
        return sum(region.weight for region, _ in self.regions)

    def fit(self, height: int, width: int, limits: Limits) -> Marks:
        check_size(self.stated_size, height, width)
        if len(self.regions) > limits.boxes:
            raise Unusable("too_many_boxes", f"more than {limits.boxes:,} regions", "Split the image into tiles.")
        return masks.of_values(regions.paint(self.regions, height, width))


@dataclass(frozen=True)
class _File:
    path: str
    images: dict[int | str, dict[str, Any]]  # by id, each sound enough to be looked for
    annotations: dict[int | str, list[dict[str, Any]]]  # by image
    names: dict[int | str, str]  # by category
    split: Split | None


def read_coco(
    archive: Archive, others: list[Member], images: list[Member], *, task: TaskName, limits: Limits, findings: Findings
) -> Annotated | None:
    """What the archive's COCO files say; None where it has none. Raises Refused for JSON that cannot be read."""
    files = list(_files(archive, others, limits, findings))
    if not files:
        return None
    classes = _classes(files, task)
    finder = Finder(images)
    entries: dict[int, Entry] = {}
    for file in files:
        for entry in _entries(file, finder, classes=classes, task=task, findings=findings):
            if entry.member.position in entries:
                message = "two COCO entries speak of the image; the first counts"
                findings.add("warning", "annotated_twice", message, path=entry.member.path)
            else:
                entries[entry.member.position] = entry
    fix = "List it under `images`; without annotations, if nothing is to be seen in it."
    reject_unannotated(images, set(entries), "entry in the COCO files", fix=fix, findings=findings)
    return Annotated("coco", classes, list(entries.values()), {file.path for file in files})


def _files(archive: Archive, others: list[Member], limits: Limits, findings: Findings) -> Iterator[_File]:
    paths = {member.position: member.path for member in others if names.suffix(member.path) == "json"}
    broken: list[Refused] = []
    found = []
    for position, content in archive.read(paths, limit=limits.annotations_bytes) if paths else ():
        path = paths[position]
        try:
            stated = json.loads(content)
        except (ValueError, RecursionError) as error:
            why = "it is nested too deeply" if isinstance(error, RecursionError) else names.printable(str(error))[:200]
            broken.append(Refused("annotations_unreadable", f"{path} is not JSON: {why}", _FIX))
            continue
        if isinstance(stated, dict) and all(isinstance(stated.get(name), list) for name in _LISTS):
            found.append(_file(path, stated, findings))
    if broken:
        raise broken[0]
    # `instances` first: COCO's own archives describe the same images again as key points.
    yield from sorted(found, key=lambda file: (not names.stem(file.path).startswith("instances"), file.path))


def _file(path: str, stated: dict[str, list[Any]], findings: Findings) -> _File:
    images = {}
    for number, image in enumerate(stated["images"]):
        if isinstance(image, dict) and _is_id(image.get("id")) and isinstance(image.get("file_name"), str):
            images[image["id"]] = image
        else:
            message = f"images[{number}] has no id or no file_name"
            findings.add("warning", "annotation_malformed", message, path=path, fix=_FIX)
    annotations: dict[int | str, list[dict[str, Any]]] = {}
    for number, annotation in enumerate(stated["annotations"]):
        owner = annotation.get("image_id") if isinstance(annotation, dict) else None
        if isinstance(owner, int | str) and owner in images:
            annotations.setdefault(owner, []).append(annotation)
        else:
            message = f"annotations[{number}] belongs to none of the listed images"
            findings.add("warning", "annotation_of_no_image", message, path=path, fix="Correct its image_id.")
    categories = [each for each in stated["categories"] if isinstance(each, dict) and _is_id(each.get("id"))]
    named = {each["id"]: name for each in categories if (name := names.class_name(each.get("name")))}
    return _File(path, images, annotations, named, names.split_of_words(names.stem(path)) or names.split_in(path))


def _is_id(value: object) -> bool:
    return type(value) in {int, str}


def _classes(files: list[_File], task: TaskName) -> list[str]:
    """Every category that is used, in the order of ids. Raises Refused."""
    found: dict[str, None] = {BACKGROUND: None} if task == "segmentation" else {}
    for file in files:
        stated = (annotation.get("category_id") for group in file.annotations.values() for annotation in group)
        used = {number for number in stated if _is_id(number)}
        for number in sorted((number for number in file.names if number in used), key=lambda at: (str(type(at)), at)):
            found.setdefault(file.names[number])
    if task == "segmentation" and len(found) > IGNORE:
        raise Refused("too_many_classes", f"a mask holds at most {IGNORE} classes", "Merge some categories.")
    return list(found)


def _entries(file: _File, finder: Finder, *, classes: list[str], task: TaskName, findings: Findings) -> Iterator[Entry]:
    folder = file.path.rpartition("/")[0]
    numbers = {number: classes.index(name) for number, name in file.names.items() if name in classes}
    for key, image in file.images.items():
        member = finder.find(image["file_name"], folder, file.split)
        if member is None:
            message = f"no single image is called {names.printable(image['file_name'])[:200]!r}"
            fix = "Add the image, or give its whole path."
            findings.add("warning", "image_missing", message, path=file.path, fix=fix)
            continue
        annotation = _annotation(image, file.annotations.get(key, []), numbers, task)
        yield Entry(member, file.split or names.split_in(member.path), annotation)


def _annotation(
    image: dict[str, Any], stated: list[dict[str, Any]], numbers: dict[int | str, int], task: TaskName
) -> Annotation:
    size = (image.get("height"), image.get("width"))
    stated_size = size if all(type(side) is int and side > 0 for side in size) else None
    try:
        labels = [_class(annotation, numbers) for annotation in stated]
        if task == "segmentation":
            found = [regions.parse_region(annotation.get("segmentation")) for annotation in stated]
            return StatedRegions(list(zip(found, labels, strict=True)), stated_size)  # type: ignore[arg-type]
        single = [at for at, annotation in enumerate(stated) if annotation.get("iscrowd") != 1]
        corners = np.array([_corners(stated[at].get("bbox")) for at in single], np.float64).reshape(-1, 4)
        return StatedBoxes(corners, np.array([labels[at] for at in single], np.int32), stated_size)  # type: ignore[arg-type]
    except Unusable as unusable:
        return Faulty(unusable)


def _class(annotation: dict[str, Any], numbers: dict[int | str, int]) -> int:
    number = annotation.get("category_id")
    if not _is_id(number) or number not in numbers:
        message = f"an annotation is of the category {str(number)[:50]!r}, which is not listed"
        raise Unusable("class_out_of_range", message, "Correct its category_id, or list the category.")
    return numbers[number]


def _corners(stated: object) -> tuple[float, float, float, float]:
    sound = isinstance(stated, list) and len(stated) == 4 and all(type(value) in {int, float} for value in stated)
    if not isinstance(stated, list) or not sound:
        raise Unusable("box_malformed", "an annotation's bbox is not four numbers", "Give x, y, width and height.")
    try:
        x, y, width, height = (float(value) for value in stated)
    except OverflowError as error:
        raise Unusable("box_malformed", "a bbox holds a number without bounds", "Correct the box.") from error
    return x, y, x + width, y + height
