"""Labels in JSON: image -> class, class -> images, lists of objects, StyleGAN's `labels`, COCO's without boxes."""

import json
from array import array
from collections.abc import Iterator
from typing import Any

from contract.pack.manifest import Split
from ingest import names
from ingest.layouts.finder import Finder
from ingest.layouts.lists import SplitList
from ingest.layouts.metadata_jsonl import read_jsonl
from ingest.layouts.stated import Row, Stated

_PROBED = 20
_FEWEST = 2  # classes
LONGEST = 4 << 20  # characters; parsed it may take 25 times that


def holds_boxes(text: str) -> bool:
    """Whether it is COCO's with boxes or regions, or another tool's list of regions."""
    coco = '"annotations"' in text and '"images"' in text
    bare = '"category_id"' in text and '"bbox"' not in text and '"segmentation"' not in text
    return (coco and not bare) or '"shapes"' in text[:100_000]


def read_json(path: str, text: str, finder: Finder) -> Stated | None:
    """None where it says nothing of images and classes, or is too long to be parsed as a whole."""
    stated = _parsed(text)
    if isinstance(stated, list):
        return _of_objects(path, stated)
    if not isinstance(stated, dict):
        return None
    readers = (_of_labelled_splits, _of_pairs, _of_coco, _wrapped)
    return next((found for read in readers if (found := read(path, stated, finder)) is not None), None)


def read_splits(path: str, text: str, finder: Finder) -> list[SplitList]:
    """Lists of images under the names of splits: `{"train": ["1.jpg"], "test": ["2.jpg"]}`."""
    stated = _parsed(text)
    lists = _by_split(stated) if isinstance(stated, dict) else {}
    if not all(isinstance(image, str) for images in lists.values() for image in images):
        return []
    found = []
    for split, images in lists.items():
        members = [finder.find(image, path.rpartition("/")[0]) for image in images]
        positions = array("q", [member.position for member in members if member is not None])
        missing = [image for image, member in zip(images, members, strict=True) if member is None]
        found.append(SplitList(path, split, positions, len(missing), missing[0][:200] if missing else ""))
    return found if any(each.positions for each in found) else []


def _parsed(text: str) -> object:
    """None for what is no JSON, or too long."""
    try:
        return json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        return None


def _by_split(stated: dict[str, Any]) -> dict[Split, list[Any]]:
    """The lists under names of splits; empty where there is anything else, or no list of the training."""
    found = {names.split_named(key): value for key, value in stated.items() if isinstance(value, list)}
    if None in found or len(found) < len(stated) or Split.TRAIN not in found:
        return {}
    return {split: value for split, value in found.items() if split is not None}


def _of_labelled_splits(path: str, stated: dict[str, Any], finder: Finder) -> Stated | None:
    """`[image, number, class]` under each split, as the splits of CoOp."""
    lists = _by_split(stated)
    triples = [(split, each) for split, images in lists.items() for each in images]
    sound = triples and all(isinstance(e, list) and len(e) in {2, 3} and isinstance(e[0], str) for _, e in triples)
    if not sound or not any(_finds(each[0], path, finder) for _, each in triples[:_PROBED]):
        return None
    labels = (
        (number, split, each, names.class_name(each[-1])) for number, (split, each) in enumerate(triples, start=1)
    )
    rows = (Row(number, each[0], (label,) if label else (), split) for number, split, each, label in labels)
    return Stated(path, "json_labels", rows)


def _of_pairs(path: str, stated: dict[str, Any], finder: Finder) -> Stated | None:
    """Image -> class or an object with it, class -> images, or a list of pairs under `labels`."""
    pairs = stated.get("labels") if isinstance(stated.get("labels"), list) else _of_classes(stated, path, finder)
    listed: list[Any] = pairs if pairs is not None else list(stated.items())
    sound = [pair for pair in listed if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str)]
    if not sound or not any(_finds(name, path, finder) for name, _ in sound[:_PROBED]):
        return None
    if pairs is None and _are_words(stated):
        return None
    if pairs is None and all(isinstance(value, dict) for _, value in sound):
        return _of_objects(path, [value | {"file_name": name} for name, value in sound])
    return Stated(path, "json_labels", _rows(path, sound))


def _are_words(stated: dict[str, Any]) -> bool:
    """Names for the numbers 0, 1, 2 ..., though images have such numbers, too: `{"0": "CBB", "1": "healthy"}`."""
    if not all(isinstance(value, str) for value in stated.values()) or len(set(stated.values())) < len(stated):
        return False
    first = min((int(key) for key in stated if key.isdecimal()), default=-1)
    return first in {0, 1} and set(stated) == {str(first + at) for at in range(len(stated))}


def _of_objects(path: str, stated: list[Any]) -> Stated | None:
    """A list of objects, each with an image and a class."""
    if not stated or not all(isinstance(each, dict) for each in stated):
        return None
    found = read_jsonl(path, "\n".join(json.dumps(each) for each in stated))
    return found and Stated(path, "json_labels", found.rows, found.columns)


def _of_classes(stated: dict[str, Any], path: str, finder: Finder) -> list[tuple[str, str]] | None:
    """Class -> list of its images, turned round; None for anything else."""
    lists = [value for value in stated.values() if isinstance(value, list)]
    if len(lists) < len(stated) or len(stated) < _FEWEST:
        return None
    pairs = [(image, name) for name, images in stated.items() for image in images if isinstance(image, str)]
    sound = len(pairs) == sum(map(len, lists)) and pairs and all(names.split_named(key) is None for key in stated)
    return pairs if sound and any(_finds(name, path, finder) for name, _ in pairs[:_PROBED]) else None


def _of_coco(path: str, stated: dict[str, Any], finder: Finder) -> Stated | None:  # noqa: ARG001 - a reader
    """COCO's frame with a category for each image and no boxes, as iNaturalist's."""
    parts = [stated.get(key) for key in ("images", "annotations", "categories")]
    if not all(isinstance(part, list) and part and all(isinstance(each, dict) for each in part) for part in parts):
        return None
    images, annotations, categories = parts
    files = {image.get("id"): image.get("file_name") for image in images or ()}
    called = {each.get("id"): each.get("name") for each in categories or ()}
    pairs = [(files.get(each.get("image_id")), called.get(each.get("category_id"))) for each in annotations or ()]
    sound = [(file, name) for file, name in pairs if isinstance(file, str) and name is not None]
    return Stated(path, "json_labels", _rows(path, sound)) if sound else None


def _wrapped(path: str, stated: dict[str, Any], finder: Finder) -> Stated | None:  # noqa: ARG001 - a reader
    """The only list of objects in it that names images and classes."""
    found = [each for value in stated.values() if isinstance(value, list) and (each := _of_objects(path, value))]
    return found[0] if len(found) == 1 else None


def _finds(name: str, path: str, finder: Finder) -> bool:
    return finder.look(name, path.rpartition("/")[0]).member is not None


def _rows(path: str, pairs: list[Any]) -> Iterator[Row]:
    split = names.split_of_file(path)
    for number, (name, value) in enumerate(pairs, start=1):
        label = names.class_name(value)
        yield Row(number, name, (label,) if label else (), split)
