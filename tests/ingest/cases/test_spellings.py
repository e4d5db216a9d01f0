"""Classes that the splits spell differently."""

from pathlib import Path

import pytest

from contract.specs.reading import ReadingSpec
from tests.ingest.archives import png, zipped
from tests.ingest.layouts.annotated.builders import Files
from tests.ingest.layouts.annotated.reading import reported
from tests.ingest.packs import run_ingest


def split_as(train: list[str], test: list[str]) -> Files:
    """Eight images of each name of the training split, four of each of the test split."""
    names = [("train", name, n) for name in train for n in range(8)] + [("test", n, k) for n in test for k in range(4)]
    return {f"{split}/{name}/{n}.png": png(at) for at, (split, name, n) in enumerate(names)}


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (["Cat", "Dog"], ["cat", "dog"]),
        (["black_cat", "white_dog"], ["Black Cat", "white-dog"]),
        (["001.Black_footed", "002.Laysan"], ["Black_footed", "Laysan"]),
        (["cat", "dog"], ["0_cat", "1_dog"]),
        (["00000", "00001"], ["0", "1"]),
    ],
)
def test_two_spellings_of_two_splits_are_one_class(train: list[str], test: list[str], tmp_path: Path) -> None:
    report, found = reported(split_as(train, test), "classification", tmp_path)
    assert set(report.images["train"] if report.images else report.amounts["train"]) == set(train)
    assert (report.classes, report.splits["test"]) == (2, 8)
    assert repr(test[0]) in found["spellings_joined"].message


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (["Cat", "cat"], ["Cat", "cat"]),  # one split has both
        (["1_cat", "dog"], ["2_cat", "dog"]),  # the numbers differ
        (["cat", "dog"], ["cats", "dogs"]),
        (["1", "2"], ["10", "20"]),
    ],
)
def test_names_that_may_be_two_classes_stay_two(train: list[str], test: list[str], tmp_path: Path) -> None:
    report, found = reported(split_as(train, test), "classification", tmp_path)
    assert (report.classes, "spellings_joined" in found) == (len({*train, *test}), False)


def test_a_person_can_keep_them_apart(tmp_path: Path) -> None:
    asked = ReadingSpec(map={"cat": "kitten"})
    result = run_ingest(zipped(split_as(["Cat", "Dog"], ["cat", "dog"])), tmp_path, reading=asked)
    assert result.manifest is not None
    assert result.manifest.classes == ["Cat", "Dog", "kitten"]
