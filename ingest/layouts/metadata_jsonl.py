"""Hugging Face's ImageFolder: `metadata.jsonl` beside the images, an object for each with `file_name` and a label."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ingest import names
from ingest.layouts.sheets import LONGEST_LINE, lines_of
from ingest.layouts.split_columns import SPLIT_COLUMNS
from ingest.layouts.stated import Row, Stated
from ingest.layouts.tables import LABEL_COLUMNS, NAME_COLUMNS

_WORDS = ("label_name", "class_name", "category_name")  # before numbers of the same


def read_jsonl(path: str, text: str) -> Stated | None:
    """None where lines are no objects, or name no image or no label."""
    head = next((_object(line) for line in islice(lines_of(text), 20) if line.strip()), None)
    if head is None:
        return None
    name = next((key for key in NAME_COLUMNS if isinstance(head.get(key), str)), None)
    label = next((key for key in (*_WORDS, *LABEL_COLUMNS) if isinstance(head.get(key), str | int)), None)
    if name is None or label is None or name == label or "objects" in head:
        return None
    split = next((key for key in SPLIT_COLUMNS if isinstance(head.get(key), str)), None)
    others = [key for key in LABEL_COLUMNS if isinstance(head.get(key), str | int) and key != label]
    told = f"the field {label!r} was read; {others[0]!r} names classes too" if others else ""
    return Stated(path, "metadata_jsonl", _rows(path, text, name, label, split), told)


def _rows(path: str, text: str, name: str, label: str, split: str | None) -> Iterator[Row]:
    whole = names.split_of_file(path)
    for number, line in enumerate(lines_of(text), start=1):
        if not line.strip():
            continue
        stated = _object(line) or {}
        called, found = str(stated.get(name, "")), names.class_name(stated.get(label))
        value = str(stated.get(split) or "") if split else ""
        given = names.split_named(value) if value else whole
        yield Row(number, called, (found,) if found else (), given, value if value and given is None else "")


def _object(line: str) -> dict[str, Any] | None:
    if len(line) > LONGEST_LINE:
        return None
    try:
        stated = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return stated if isinstance(stated, dict) else None
