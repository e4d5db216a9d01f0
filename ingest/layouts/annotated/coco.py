"""COCO JSON: one file or one for each split, with boxes, polygons or run lengths.

Categories that no annotation uses are left out. In a mask `background` is the class 0. Crowds count as their class in
a mask and are no boxes. Captions and panoptic files look alike and are not taken for instances.
"""

from collections import Counter
from typing import Any

from contract.tasks import TaskName
from ingest import names
from ingest.annotations import regions
from ingest.findings import Findings, Refused
from ingest.layouts.annotated.coco_corners import check_corners
from ingest.layouts.annotated.pages import Drawing, Page, Tally
from ingest.notes import Unusable

_LISTS = ("images", "annotations", "categories")
_FIX = "Export it again as COCO JSON, with images, annotations and categories."
_MOSTLY = 0.5
Id = int | str


def is_coco(stated: object) -> bool:
    return isinstance(stated, dict) and all(isinstance(stated.get(name), list) for name in _LISTS)


def other_kind(stated: dict[str, Any]) -> str | None:
    """What a file in COCO's frame holds, if it is not instances."""
    some = [each for each in stated["annotations"][:50] if isinstance(each, dict)]
    if some and all("segments_info" in each for each in some):
        return "panoptic segments"
    if some and all("caption" in each and "bbox" not in each for each in some):
        return "captions"
    return None


def read_coco_file(path: str, stated: dict[str, Any], task: TaskName, tally: Tally, findings: Findings) -> list[Page]:
    """A page for each image that the file lists. Raises Refused for categories that contradict each other."""
    categories = _categories(path, stated)
    _tell_merged(path, categories, findings)
    check_corners(path, stated)
    annotations = _by_image(path, stated, findings)
    split = names.split_of_words(names.stem(path))
    with_regions = any(each.get("segmentation") for group in annotations.values() for each in group)
    pages = []
    for key, listed in _images(path, stated, findings).items():
        page = _new(path, listed[0])
        page.split = split if split is not None else names.split_in(path)
        _fill(page, annotations.get(key, []), categories, Drawing(task, tally), with_regions=with_regions)
        pages.extend(_rivals(page, key, listed))
    return _merged(pages, findings)


def class_order(path: str, stated: dict[str, Any]) -> list[str]:
    """The names of categories, in the order of their ids."""
    categories = _categories(path, stated)
    return [categories[key] for key in sorted(categories, key=lambda key: (not key.isdigit(), key.zfill(20)))]


def _categories(path: str, stated: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in stated["categories"]:
        name = names.class_name(each.get("name")) if isinstance(each, dict) and _is_id(each.get("id")) else None
        if name is None:
            continue
        before = found.setdefault(str(each["id"]), name)
        if before != name:
            message = f"{path} calls the category {str(each['id'])[:50]!r} both {before!r} and {name!r}."
            raise Refused("class_named_twice", message, "Give each category its own id.")
    return found


def _tell_merged(path: str, categories: dict[str, str], findings: Findings) -> None:
    """Say that several categories have one name, and become one class."""
    times = Counter(categories.values())
    for name, count in times.items():
        if count > 1:
            ids = ", ".join([key for key, title in categories.items() if title == name][:5])
            message = f"{count} categories (ids {ids}) are all called {name!r}; they were read as one class."
            fix = "Give each category a name of its own, where they differ."
            findings.add("warning", "categories_merged", message, path=path, fix=fix)


def _images(path: str, stated: dict[str, Any], findings: Findings) -> dict[str, list[dict[str, Any]]]:
    """By id; several where they share one."""
    images: dict[str, list[dict[str, Any]]] = {}
    for number, image in enumerate(stated["images"]):
        if isinstance(image, dict) and isinstance(image.get("coco_url"), str):  # LVIS gives no other name
            image.setdefault("file_name", "/".join(image["coco_url"].split("/")[-2:]))
        if not (isinstance(image, dict) and _is_id(image.get("id")) and isinstance(image.get("file_name"), str)):
            message = f"`images[{number}]` has no id or no file_name."
            findings.add("warning", "annotation_malformed", message, path=path, fix=_FIX)
            continue
        listed = images.setdefault(str(image["id"]), [])
        if all(image["file_name"] != other["file_name"] for other in listed):
            listed.append(image)
    return images


def _by_image(path: str, stated: dict[str, Any], findings: Findings) -> dict[str, list[dict[str, Any]]]:
    known = {str(image["id"]) for image in stated["images"] if isinstance(image, dict) and _is_id(image.get("id"))}
    found: dict[str, list[dict[str, Any]]] = {}
    stray: list[int] = []
    for number, annotation in enumerate(stated["annotations"]):
        owner = annotation.get("image_id") if isinstance(annotation, dict) else None
        if _is_id(owner) and str(owner) in known:
            found.setdefault(str(owner), []).append(annotation)
        else:
            stray.append(number)
    if stray:
        message = f"{len(stray)} of {len(stated['annotations'])} annotations, as annotations[{stray[0]}], "
        message += "belong to none of the listed images."
        if len(stray) > _MOSTLY * len(stated["annotations"]):
            raise Refused("annotation_of_no_image", f"{path}: {message}", "Correct their image_id.")
        findings.counts["annotation_of_no_image"] += len(stray) - 1
        findings.add("warning", "annotation_of_no_image", message, path=path, fix="Correct their image_id.")
    return found


def _is_id(value: object) -> bool:
    return type(value) in {int, str}


def _new(path: str, image: dict[str, Any]) -> Page:
    height, width = image.get("height"), image.get("width")
    page = Page(path, image["file_name"], kind="sides")
    if type(height) is type(width) is int and height > 0 and width > 0:
        page.size = (height, width)
    return page


def _fill(
    page: Page, stated: list[dict[str, Any]], categories: dict[str, str], drawing: Drawing, *, with_regions: bool
) -> None:
    try:
        for annotation in stated:
            _draw(annotation, _label(annotation, categories), drawing, with_regions=with_regions)
    except Unusable as unusable:
        page.fault = unusable.bare()
    drawing.onto(page)


def _draw(annotation: dict[str, Any], label: str, drawing: Drawing, *, with_regions: bool) -> None:
    segmentation = annotation.get("segmentation")
    if drawing.task == "segmentation" and (with_regions or "bbox" not in annotation):
        drawing.region(label, regions.parse_region(segmentation))
    elif drawing.task != "segmentation" and annotation.get("iscrowd") == 1:
        drawing.unused("crowd")
    elif "bbox" not in annotation and segmentation:
        drawing.region(label, regions.parse_region(segmentation))
    else:
        drawing.box(label, _corners(annotation.get("bbox")))


def _label(annotation: dict[str, Any], categories: dict[str, str]) -> str:
    number = annotation.get("category_id")
    if not _is_id(number) or str(number) not in categories:
        message = f"An annotation is of the category {str(number)[:50]!r}, which is not listed."
        raise Unusable("class_out_of_range", message, "Correct its category_id, or list the category.")
    return categories[str(number)]


def _corners(stated: object) -> tuple[float, float, float, float]:
    sound = isinstance(stated, list) and len(stated) == 4 and all(type(value) in {int, float} for value in stated)
    if not isinstance(stated, list) or not sound:
        raise Unusable("box_malformed", "An annotation's bbox is not four numbers.", "Give x, y, width and height.")
    try:
        x, y, width, height = (float(value) for value in stated)
    except OverflowError as error:
        raise Unusable("box_malformed", "A bbox holds an infinite number.", "Correct the box.") from error
    return x, y, x + width, y + height


def _rivals(page: Page, key: str, listed: list[dict[str, Any]]) -> list[Page]:
    """One page; where several images share an id, one for each, for nobody knows whose the annotations are."""
    if len(listed) == 1:
        return [page]
    shared = " and ".join(names.printable(image["file_name"])[:100] for image in listed[:3])
    fault = Unusable(
        "image_id_repeated", f"The image id {key[:50]} is used by {shared}.", "Give each image its own id."
    )
    return [Page(page.path, image["file_name"], fault=fault, split=page.split) for image in listed]


def _merged(pages: list[Page], findings: Findings) -> list[Page]:
    """Images listed twice, under two ids, get the objects of both."""
    by_name: dict[str, Page] = {}
    twice = []
    for page in pages:
        first = by_name.setdefault(page.image, page)
        if first is not page:
            twice.append(page.image)
            first.fault = first.fault or page.fault
            first.labels, first.boxes = first.labels + page.labels, first.boxes + page.boxes
            first.regions = first.regions + page.regions
    if twice:
        message = f"{len(twice)} images are listed under several ids; the objects of all count."
        path = names.printable(twice[0])
        findings.add("warning", "image_listed_twice", message, path=path, fix="List each image once.")
    return list(by_name.values())
