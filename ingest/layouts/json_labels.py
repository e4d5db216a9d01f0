"""Labels in JSON: an object of image -> class, a list of objects as in `metadata.jsonl`, StyleGAN's `labels` pairs."""

import json
from collections.abc import Iterator
from typing import Any

from ingest import names
from ingest.layouts.finder import Finder
from ingest.layouts.metadata_jsonl import read_jsonl
from ingest.layouts.stated import Row, Stated

_PROBED = 20
LONGEST = 4 << 20  # characters; parsed it may take 25 times that


def holds_boxes(text: str) -> bool:
    """Whether it is COCO's, or another tool's list of regions."""
    return ('"annotations"' in text and '"images"' in text) or '"shapes"' in text[:100_000]


def read_json(path: str, text: str, finder: Finder) -> Stated | None:
    """None where it says nothing of images, or is too long to be parsed as a whole."""
    if len(text) > LONGEST:
        return None
    try:
        stated = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(stated, list) and stated and all(isinstance(each, dict) for each in stated):
        lines = "\n".join(json.dumps(each) for each in stated)
        found = read_jsonl(path, lines)
        return found and Stated(path, "json_labels", found.rows, found.columns)
    pairs = stated.get("labels") if isinstance(stated, dict) and isinstance(stated.get("labels"), list) else None
    listed: list[Any] = pairs if pairs is not None else list(stated.items()) if isinstance(stated, dict) else []
    sound = [pair for pair in listed if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str)]
    folder = path.rpartition("/")[0]
    if not sound or not any(finder.look(name, folder).member for name, _ in sound[:_PROBED]):
        return None
    return Stated(path, "json_labels", _rows(path, sound))


def _rows(path: str, pairs: list[Any]) -> Iterator[Row]:
    split = names.split_of_file(path)
    for number, (name, value) in enumerate(pairs, start=1):
        label = names.class_name(value)
        yield Row(number, name, (label,) if label else (), split)
