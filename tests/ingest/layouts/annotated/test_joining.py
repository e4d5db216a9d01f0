"""Two files about one image: they complete each other, or contradict each other."""

from pathlib import Path

from tests.ingest.layouts.annotated.builders import Files, corners, pictures, voc_page
from tests.ingest.layouts.annotated.reading import boxes_by_image, reported

NUMBERS = range(24)
PICTURES = pictures(f"set/images/{n:02}.png" for n in NUMBERS)


def pages(kind: str, label: str, x: int) -> Files:
    """One box of a class in each image."""
    return {f"set/labels/{kind}/{n:02}.xml": voc_page([(label, x, 4 + n % 9, 9, 9)], f"{n:02}.png") for n in NUMBERS}


def test_files_of_different_classes_and_places_give_the_boxes_of_both(tmp_path: Path) -> None:
    files = PICTURES | pages("insulator", "insulator", 2) | pages("defect", "defect", 20)
    found = boxes_by_image(files, tmp_path)
    for n in NUMBERS:
        expected = [corners((label, x, 4 + n % 9, 9, 9)) for label, x in (("defect", 20), ("insulator", 2))]
        assert sorted(found[f"set/images/{n:02}.png"]) == expected  # type: ignore[type-var]
    findings = reported(files, "detection", tmp_path)[1]
    assert "set/labels/defect/00.xml" in findings["annotations_joined"].message


def test_files_that_name_one_place_differently_are_not_joined(tmp_path: Path) -> None:
    files = PICTURES | pages("one", "cat", 2) | pages("two", "dog", 3)
    report, findings = reported(files, "detection", tmp_path)
    assert (report.classes, "annotations_joined" in findings) == (1, False)
    assert "the first was used" in findings["annotated_twice"].message


def test_files_of_the_same_classes_are_not_joined(tmp_path: Path) -> None:
    files = PICTURES | pages("one", "cat", 2) | pages("two", "cat", 20)
    assert "annotated_twice" in reported(files, "detection", tmp_path)[1]
