"""Classes that only the names of files tell: `cat.0.jpg`. Read where the whole tree says so, and always told."""

from pathlib import Path
from typing import Any

import pytest

from contract.results.ingested import Finding
from contract.specs.reading import ReadingSpec
from ingest import IngestResult
from tests.ingest.archives import png, zipped
from tests.ingest.packs import run_ingest

Files = dict[str, bytes]


def photos(pattern: str, words: str = "cat dog", count: int = 12) -> Files:
    names = [pattern.format(word=word, n=n) for n in range(1, count + 1) for word in words.split()]
    return {name: png(sum(name.encode()) * 1000 + at) for at, name in enumerate(names)}


def read(files: Files, tmp_path: Path, **asked: Any) -> IngestResult:
    return run_ingest(zipped(files), tmp_path, reading=ReadingSpec(**asked))


def told(result: IngestResult, code: str) -> Finding:
    return next(finding for finding in result.report.findings if finding.code == code)


def refusal(result: IngestResult) -> str:
    assert result.manifest is None
    first = result.report.findings[0]
    return f"{first.message} {first.fix}"


@pytest.mark.parametrize("pattern", ["{word}.{n}.jpg", "flat/{word}_{n:04}.png", "{word}-{n}.png", "{word} ({n}).png"])
def test_the_word_before_the_number_is_the_class(pattern: str, tmp_path: Path) -> None:
    result = read(photos(pattern, "cat dog american_pug"), tmp_path)
    assert result.manifest is not None, result.report.findings[0]
    assert result.manifest.classes == ["american_pug", "cat", "dog"]
    assert (result.report.layout, result.report.skipped) == ("file_names", 0)


def test_the_reading_its_reason_and_the_way_out_are_told(tmp_path: Path) -> None:
    finding = told(read(photos("{word}.{n}.jpg"), tmp_path), "classes_by_file_name")
    assert finding.severity == "warning"
    assert "cat (12), dog (12); folders name fewer than two classes, and no table names any" in finding.message
    assert finding.fix is not None
    assert "class folders" in finding.fix


def test_split_folders_count(tmp_path: Path) -> None:
    files = photos("train/{word}.{n}.jpg") | photos("val/{word}_{n}9.jpg", count=3)
    result = read(files, tmp_path)
    assert result.report.amounts["val"] == {"cat": 3, "dog": 3}


def test_a_test_split_of_mere_numbers_has_no_labels_and_is_left_out(tmp_path: Path) -> None:
    """Kaggle's dogs-vs-cats: 12,500 of 37,500 pictures are `test1/1.jpg`."""
    result = read(photos("train/{word}.{n}.jpg") | photos("test1/{n}.jpg", words="any"), tmp_path)
    assert result.manifest is not None
    assert result.manifest.classes == ["cat", "dog"]
    assert result.report.counts["unlabelled_split"] == 12


@pytest.mark.parametrize("word", ["IMG", "image", "Screenshot", "cat"])
def test_one_word_is_no_class(word: str, tmp_path: Path) -> None:
    said = refusal(read(photos("{word}_{n}.jpg", word), tmp_path))
    assert "filename,label" in said
    assert "file_names" not in said


@pytest.mark.parametrize(
    "files",
    [
        photos("{word}_{n}.jpg", "IMG DSC"),
        photos("{word}_{n}.jpg", "train test"),
        photos("{word}_{n}.jpg", "cat dog image"),
        photos("{word}{n}.jpg"),
        photos("{word}_{n}.jpg", "a b c d e f", count=4),
    ],
    ids=["cameras", "splits", "one_camera", "not_set_apart", "few_of_each"],
)
def test_what_is_unclear_is_refused_and_can_be_asked_for(files: Files, tmp_path: Path) -> None:
    assert "pass `--labels-from file_names`" in refusal(read(files, tmp_path))
    result = read(files, tmp_path, labels_from="file_names")
    assert result.manifest is not None
    assert result.report.layout == "file_names"
    assert told(result, "classes_by_file_name").severity == "info"


def test_other_evidence_comes_first_and_both_ways_are_named(tmp_path: Path) -> None:
    boxes = {f"{word}.{n}.txt": b"0 0.5 0.5 0.1 0.1" for n in range(1, 13) for word in ("cat", "dog")}
    files = photos("{word}.{n}.jpg") | boxes
    said = refusal(read(files, tmp_path))
    assert "--task detection" in said
    assert "--labels-from file_names" in said
    assert read(files, tmp_path, labels_from="file_names").report.status == "ready"


def test_the_reading_can_be_refused(tmp_path: Path) -> None:
    assert "File names begin with cat (12), dog (12)" in refusal(
        read(photos("{word}.{n}.jpg"), tmp_path, labels_from="folders")
    )


def test_spellings_that_differ_in_case_are_one_class(tmp_path: Path) -> None:
    result = read(photos("{word}_{n}.jpg") | photos("{word}_{n}1.jpg", "Cat", count=3), tmp_path)
    assert result.manifest is not None
    assert result.manifest.classes == ["cat", "dog"]


@pytest.mark.parametrize("unlabelled", ["auto", "skip"])
def test_names_without_a_word_count_against_the_archive_unless_they_are_skipped(
    unlabelled: str, tmp_path: Path
) -> None:
    files = photos("{word}_{n}.jpg", count=40) | photos("{n}.jpg", words="any", count=6)
    asked = {"labels_from": "file_names", "unlabelled": unlabelled}
    assert (read(files, tmp_path, **asked).manifest is not None) == (unlabelled == "skip")


def test_folders_count_before_names_that_say_otherwise_and_both_are_told(tmp_path: Path) -> None:
    files = photos("anna/{word}_{n}.jpg", "smile frown") | photos("bert/{word}_{n}.jpg", "smile frown")
    result = read(files, tmp_path)
    assert result.manifest is not None
    assert result.manifest.classes == ["anna", "bert"]
    finding = told(result, "two_readings")
    assert "smile (24)" in finding.message
    assert "--labels-from file_names" in str(finding.fix)
    chosen = read(files, tmp_path, labels_from="file_names")
    assert chosen.manifest is not None
    assert chosen.manifest.classes == ["frown", "smile"]


@pytest.mark.parametrize(
    "files",
    [
        photos("cat/{word}_{n}.jpg", "kitty") | photos("dog/{word}_{n}.jpg", "rex"),
        photos("cat/{word}_{n}.jpg", "kitty tom") | photos("dog/{word}_{n}.jpg", "rex"),
    ],
    ids=["same", "finer"],
)
def test_names_that_agree_with_the_folders_are_not_told(files: Files, tmp_path: Path) -> None:
    result = read(files, tmp_path)
    assert result.manifest is not None
    assert "two_readings" not in result.report.counts
