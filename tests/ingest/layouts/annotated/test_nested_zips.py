"""Zips inside a zip are folders of it."""

from pathlib import Path

import pytest

from tests.data import exports, scenes
from tests.ingest.archives import zipped
from tests.ingest.layouts.annotated.builders import box_of, coco, corners, pictures, yolo_lines
from tests.ingest.layouts.annotated.reading import boxes_by_image, masks_by_image, reported

NUMBERS = range(24)
STATED = {f"{n:02}.png": [box_of(n)] for n in NUMBERS}


def test_images_and_annotations_in_zips_of_their_own(tmp_path: Path) -> None:
    inner = zipped(pictures(STATED))
    got = boxes_by_image({"images.zip": inner, "annotations.zip": zipped(coco(STATED))}, tmp_path)
    assert got == {f"images/{name}": [corners(box) for box in boxes] for name, boxes in STATED.items()}


def test_cvats_tasks_as_they_are_downloaded(tmp_path: Path) -> None:
    drawn = scenes.draw(24, seed=6, size=(64, 56))
    files = {f"task_{at}.zip": zipped(exports.cvat(drawn[at::2], regions=True)) for at in (0, 1)}
    found, _ = masks_by_image(files, tmp_path)
    assert len(found) == 24
    for at, scene in enumerate(drawn):
        assert (found[f"task_{at % 2}/images/{scene.name}.png"] == scene.mask).all()


def test_two_tasks_with_equal_names_keep_apart(tmp_path: Path) -> None:
    files = {}
    for task in (0, 1):
        stated = {f"{n:02}.png": [box_of(n + 12 * task)] for n in range(12)}
        images = pictures(f"{task}{n:02}.png" for n in range(24))
        inner = {f"images/{n:02}.png": images[f"{task}{n + 12 * task:02}.png"] for n in range(12)}
        files[f"task_{task}.zip"] = zipped(inner | coco(stated))
    got = boxes_by_image(files, tmp_path)
    assert (got["task_0/images/03.png"], got["task_1/images/03.png"]) == ([corners(box_of(3))], [corners(box_of(15))])


def test_a_damaged_zip_inside_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    files = pictures(f"images/{n:02}.png" for n in NUMBERS) | {"classes.txt": b"a\nb"}
    files |= {f"labels/{n:02}.txt": yolo_lines([box_of(n)]) for n in NUMBERS} | {
        "more.zip": zipped({"a.txt": b"x"})[:40]
    }
    report, found = reported(files, "detection", tmp_path)
    assert (report.accepted, found["nested_zip_unreadable"].path) == (24, "more.zip")


@pytest.mark.parametrize("deep", [False, True])
def test_bombs_inside_are_refused(deep: bool, tmp_path: Path) -> None:
    bomb = zipped({"a.txt": b"\0" * 60_000_000})
    files = pictures(f"images/{n:02}.png" for n in NUMBERS)
    files["bomb.zip"] = zipped({"bomb.zip": bomb}) if deep else bomb
    files |= {"bomb2.zip": zipped({"instances.json": b" " * 100_000_000})}
    report, _ = reported(files, "detection", tmp_path)
    assert report.status == "invalid"
