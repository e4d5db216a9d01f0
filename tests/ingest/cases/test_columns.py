"""Columns of tables that say more than names and classes: splits as numbers and flags, lists of classes, gaps."""

from pathlib import Path

import pytest

from tests.ingest.cases.labelled import NAMES, classes, csv_of, numbered, parity, photos, read, refusal

HALVES = parity(NAMES)


def table(header: str, more: list[str]) -> dict[str, bytes]:
    return photos(NAMES) | {
        "labels.csv": csv_of(header, [f"{row},{cell}" for row, cell in zip(HALVES, more, strict=True)])
    }


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("is_train", ["1"] * 30 + ["0"] * 10),
        ("Is Train", ["True"] * 30 + ["False"] * 10),
        ("is_test", ["0"] * 30 + ["1"] * 10),
        ("split", ["0"] * 26 + ["1"] * 4 + ["2"] * 10),
        ("subset", ["train"] * 30 + ["test"] * 10),
    ],
)
def test_flags_and_numbers_of_splits_are_read_and_said(column: str, cells: list[str], tmp_path: Path) -> None:
    result = read(table(f"filename,label,{column}", cells), tmp_path)
    assert classes(result) == {"even", "odd"}
    assert result.report.splits["test"] == 10
    assert ("split_column" in result.report.counts) == (column != "subset")


@pytest.mark.parametrize("column", ["fold", "split"])
def test_numbers_of_folds_are_no_splits_and_said(column: str, tmp_path: Path) -> None:
    result = read(table(f"filename,label,{column}", [str(n % 5) for n in range(40)]), tmp_path)
    assert result.report.splits["test"] == 8
    assert result.report.counts["split_column_unused"] == 1


def test_a_table_of_numbered_splits_counts_beside_one_of_labels(tmp_path: Path) -> None:
    splits = csv_of(
        "image_id,partition", [f"{name},{0 if n < 28 else 1 if n < 34 else 2}" for n, name in enumerate(NAMES)]
    )
    files = photos(NAMES) | {"labels.csv": csv_of("filename,label", HALVES), "partition.csv": splits}
    assert read(files, tmp_path).report.splits == {"train": 28, "val": 6, "test": 6}


@pytest.mark.parametrize("lists", ["cat,dog", "cat|dog", "cat; dog"])
def test_cells_that_list_classes_are_no_classes(lists: str, tmp_path: Path) -> None:
    rows = [f'{name},"{("cat", "dog", lists)[n % 3]}"' for n, name in enumerate(NAMES)]
    result = read(photos(NAMES) | {"labels.csv": csv_of("filename,labels", rows)}, tmp_path)
    assert lists in refusal(result)


def test_few_lists_of_classes_are_left_out_and_said(tmp_path: Path) -> None:
    rows = [f"{name},{'even|odd' if n == 3 else ('even', 'odd')[n % 2]}" for n, name in enumerate(NAMES)]
    result = read(photos(NAMES) | {"labels.csv": csv_of("filename,label", rows)}, tmp_path)
    assert (classes(result), result.report.accepted) == ({"even", "odd"}, 39)


@pytest.mark.parametrize(
    "words", [("goldfish, Carassius auratus", "tench, Tinca tinca"), ("sea lion", "lion"), ("a;b", "c")]
)
def test_marks_within_names_are_kept(words: tuple[str, str], tmp_path: Path) -> None:
    rows = [f'{name},"{words[n % 2]}"' for n, name in enumerate(NAMES)]
    result = read(photos(NAMES) | {"labels.csv": csv_of("filename,label", rows)}, tmp_path)
    assert classes(result) == set(words)
    assert "labels_composite" not in result.report.counts


def test_labels_of_recurring_words_are_suspected_to_be_tags(tmp_path: Path) -> None:
    tags = ("clear", "clear water", "haze water", "haze")
    rows = [f"{name},{tags[n % 4]}" for n, name in enumerate(NAMES)]
    result = read(photos(NAMES) | {"labels.csv": csv_of("filename,tags", rows)}, tmp_path)
    assert classes(result) == set(tags)
    assert result.report.counts["labels_composite"] == 1


@pytest.mark.parametrize("gap", ["nan", "NaN", "null", "", "<NA>"])
def test_gaps_are_no_class(gap: str, tmp_path: Path) -> None:
    rows = [f"{name},{gap if n == 3 else ('even', 'odd')[n % 2]}" for n, name in enumerate(NAMES)]
    result = read(photos(NAMES) | {"labels.csv": csv_of("filename,label", rows)}, tmp_path)
    assert classes(result) == {"even", "odd"}
    assert result.report.counts["label_missing"] == 1


def test_whole_numbers_of_pandas_are_whole(tmp_path: Path) -> None:
    rows = [f"{name},{n % 2}.0" for n, name in enumerate(NAMES)]
    assert classes(read(photos(NAMES) | {"labels.csv": csv_of("filename,label", rows)}, tmp_path)) == {"0", "1"}


def test_a_first_row_with_the_class_first_is_no_header(tmp_path: Path) -> None:
    rows = [f"{('even', 'odd')[n % 2]},{name}" for n, name in enumerate(NAMES)]
    assert read(photos(NAMES) | {"labels.csv": csv_of(rows[0], rows[1:])}, tmp_path).report.accepted == 40


def test_columns_without_a_use_are_named_and_shared_patients_are_warned_of(tmp_path: Path) -> None:
    result = read(table("filename,label,patient_id", [f"p{n // 4}" for n in range(40)]), tmp_path)
    found = {finding.code: finding.message for finding in result.report.findings}
    assert "patient_id" in found["columns_unused"]
    assert "10 values" in found["groups_not_kept"]


def test_images_in_no_split_beside_splits_are_said(tmp_path: Path) -> None:
    names = numbered("set/", 20) + numbered("more/", 20)
    rows = [
        f"{name},{('even', 'odd')[n % 2]},{('train', 'test')[n // 10] if n < 20 else ''}"
        for n, name in enumerate(names)
    ]
    result = read(photos(names) | {"labels.csv": csv_of("filename,label,split", rows)}, tmp_path)
    assert result.report.splits["test"] == 10
    assert "20 of 40" in next(f.message for f in result.report.findings if f.code == "split_missing")
