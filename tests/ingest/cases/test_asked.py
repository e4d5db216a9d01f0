"""What a person asks of the reader: classes by another name, columns, files to leave out, images without a row."""

import json
from pathlib import Path
from typing import Any

import pytest

from contract.specs.reading import ReadingSpec
from tests.ingest.archives import folders, parquet, png
from tests.ingest.cases.labelled import NAMES, classes, csv_of, parity, photos, read, refusal
from tests.ingest.packs import run_ingest


def test_classes_are_mapped_and_dropped(tmp_path: Path) -> None:
    files = folders({"cat": 8, "kitten": 8, "dog": 8, "junk": 8})
    result = read(files, tmp_path, map={"kitten": "cat"}, drop=("junk",))
    assert classes(result) == {"cat", "dog"}
    assert sum(split.get("cat", 0) for split in result.report.amounts.values()) == 16
    assert result.report.skipped == 8


def test_classes_of_parquet_are_mapped(tmp_path: Path) -> None:
    columns = {"image": [png(n) for n in range(30)], "label": ["abc"[n % 3] for n in range(30)]}
    result = run_ingest(parquet(columns), tmp_path, reading=ReadingSpec(map={"c": "b"}))
    assert classes(result) == {"a", "b"}


@pytest.mark.parametrize(
    "asked",
    [
        {"map": {"kiten": "cat"}},
        {"drop": ("kiten",)},
        {"ignore": ("nothing/*",)},
        {"masks": "masks"},
        {"labels_from": "no.csv"},
        {"unlabelled": "background"},
    ],
)
def test_what_has_no_effect_is_refused(asked: dict[str, Any], tmp_path: Path) -> None:
    result = read(folders({"cat": 8, "kitten": 8}), tmp_path, **asked)
    assert result.manifest is None
    assert result.report.findings[0].code == "option_without_effect"


def test_ignored_files_are_counted(tmp_path: Path) -> None:
    files = folders({"cat": 8, "dog": 8, "Examples": 8})
    result = read(files, tmp_path, ignore=("Examples",))
    assert classes(result) == {"cat", "dog"}
    assert result.report.ignored == 8


def hugging_face(**columns: list[str]) -> bytes:
    features = {name: {"_type": "ClassLabel", "names": classes} for name, classes in columns.items()}
    return json.dumps({"info": {"features": features}}).encode()


def shard(start: int, count: int) -> bytes:
    numbers = range(start, start + count)
    columns = {
        "image": [png(n) for n in numbers],
        "label": [n % 2 for n in numbers],
        "coarse": [n % 3 for n in numbers],
    }
    return parquet(columns, hugging_face(label=["no", "yes"], coarse=["x", "y", "z"]))


def test_parquet_files_of_a_folder_are_one_dataset_with_its_splits(tmp_path: Path) -> None:
    files = {
        "data/train-00000-of-00002.parquet": shard(0, 12),
        "data/train-00001-of-00002.parquet": shard(12, 12),
        "data/test-00000-of-00001.parquet": shard(24, 6),
        "README.md": b"# digits",
    }
    result = read(files, tmp_path)
    assert classes(result) == {"no", "yes"}
    assert result.report.splits["test"] == 6
    assert result.report.accepted == 30
    [doubt, *_] = [finding for finding in result.report.findings if finding.code == "two_readings"]
    assert "--labels-from coarse" in str(doubt.fix)
    assert classes(read(files, tmp_path, labels_from="coarse")) == {"x", "y", "z"}


def test_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "no column 'fine'" in refusal(run_ingest(shard(0, 9), tmp_path, reading=ReadingSpec(labels_from="fine")))


def test_a_table_of_many_attributes_is_named_and_a_column_can_be_chosen(tmp_path: Path) -> None:
    rows = [f"{n},{('shoe', 'hat')[n % 2]},{('red', 'blue', 'green')[n % 3]}" for n in range(40)]
    files = photos(NAMES) | {"styles.csv": csv_of("id,articleType,baseColour", rows)}
    assert "--labels-from 'styles.csv:COLUMN'" in refusal(read(files, tmp_path))
    assert classes(read(files, tmp_path, labels_from="styles.csv:articleType")) == {"shoe", "hat"}


def test_images_without_a_row_are_skipped_or_refused_as_asked(tmp_path: Path) -> None:
    files = photos(NAMES) | {"l.csv": csv_of("filename,label", parity(NAMES[:30]))}
    assert read(files, tmp_path, unlabelled="skip").report.skipped == 10
    assert "10 images have no class" in refusal(read(files, tmp_path, unlabelled="refuse"))
