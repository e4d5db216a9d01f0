"""Labels and splits in JSON, in the structures that people write."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.cases.labelled import NAMES, classes, photos, read, refusal

WORDS = {name: ("cat", "dog")[n % 2] for n, name in enumerate(NAMES)}
LISTS = {word: [name for name, called in WORDS.items() if called == word] for word in ("cat", "dog")}
COCO = {
    "images": [{"id": n, "file_name": name} for n, name in enumerate(NAMES)],
    "annotations": [{"id": n, "image_id": n, "category_id": 5 + n % 2} for n in range(len(NAMES))],
    "categories": [{"id": 5, "name": "cat"}, {"id": 6, "name": "dog"}],
}
TRIPLES = [[name, int(word == "dog"), word] for name, word in WORDS.items()]


@pytest.mark.parametrize(
    "stated",
    [
        WORDS,
        LISTS,
        {name: {"label": word, "sharp": True} for name, word in WORDS.items()},
        {"info": {}, "data": [{"file_name": name, "label": word} for name, word in WORDS.items()]},
        COCO,
        {"train": TRIPLES[:30], "test": TRIPLES[30:]},
    ],
)
def test_labels_are_read(stated: Any, tmp_path: Path) -> None:
    result = read(photos(NAMES) | {"labels.json": json.dumps(stated).encode()}, tmp_path)
    assert (classes(result), result.report.accepted) == ({"cat", "dog"}, 40)
    assert result.report.amounts["train"].keys() == {"cat", "dog"}
    if "train" in stated:
        assert result.report.splits["test"] == 10


def test_splits_are_read(tmp_path: Path) -> None:
    splits = {"train": NAMES[:20], "val": NAMES[20:26], "test": NAMES[26:]}
    files = photos(NAMES) | {"labels.json": json.dumps(WORDS).encode(), "splits.json": json.dumps(splits).encode()}
    assert read(files, tmp_path).report.splits == {"train": 20, "val": 6, "test": 14}


def test_what_is_not_understood_is_named_with_what_to_write(tmp_path: Path) -> None:
    unknown = json.dumps([[name, {"is": word}] for name, word in WORDS.items()]).encode()
    said = refusal(read(photos(NAMES) | {"truth.json": unknown}, tmp_path))
    assert "truth.json" in said
    assert "CSV of `filename,label`" in said
