"""YOLO's text files: key points, polygons, names as they are written, and the splits that data.yaml states."""

from pathlib import Path

import numpy as np
import pytest

from contract.specs.reading import ReadingSpec
from tests.ingest.layouts.annotated.builders import SIDE, Box, Files, box_of, corners, pictures, yolo_lines
from tests.ingest.layouts.annotated.reading import boxes_by_image, masks_by_image, reported

NUMBERS = range(24)
BOXES = {number: [box_of(number)] for number in NUMBERS}
EXPECTED = {f"images/{number:02}.png": [corners(box) for box in boxes] for number, boxes in BOXES.items()}
PICTURES = pictures(EXPECTED)
NAMES = {"data.yaml": b"names: [a, b]\n"}


def texts(tail: dict[int, str] | None = None) -> Files:
    tail = tail or {}
    return {f"labels/{n:02}.txt": yolo_lines(BOXES[n], tail=tail.get(n, "")) for n in NUMBERS}


def points_in(box: Box, count: int, seed: int, *, visible: bool = False) -> str:
    """Key points within a box, of which the first is not seen."""
    _, x, y, width, height = box
    shares = np.random.default_rng(seed).uniform(0.05, 0.95, (count, 2))
    listed = (np.array([x, y]) + shares * (width, height)) / SIDE
    listed[0] = 0
    seen = [0, *([2] * (count - 1))]
    return "".join(
        f" {px:.6f} {py:.6f}" + (f" {flag}" if visible else "") for (px, py), flag in zip(listed, seen, strict=True)
    )


def outline_of(box: Box, corners_: int) -> str:
    """A polygon of so many corners that fills the box: on its edges, all four sides touched."""
    _, x, y, width, height = box
    around = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    around += [(x, y + height * (1 - step / corners_)) for step in range(1, corners_ - 3)]
    return " ".join(f"{px / SIDE:.6f} {py / SIDE:.6f}" for px, py in around)


@pytest.mark.parametrize(("count", "visible"), [(4, False), (5, False), (5, True), (17, True), (2, True), (17, False)])
@pytest.mark.parametrize("stated", [True, False])
def test_the_box_before_key_points_is_taken(count: int, visible: bool, stated: bool, tmp_path: Path) -> None:
    files = PICTURES | texts({n: points_in(BOXES[n][0], count, n, visible=visible) for n in NUMBERS}) | NAMES
    if stated:
        files["data.yaml"] = f"kpt_shape: [{count}, {2 + visible}]\nnames: [a, b]\n".encode()
    assert boxes_by_image(files, tmp_path) == EXPECTED
    assert "key points" in reported(files, "detection", tmp_path)[1]["keypoints_left_out"].message


def test_boxes_without_key_points_are_boxes_among_those_with(tmp_path: Path) -> None:
    tail = {n: points_in(BOXES[n][0], 4, n) for n in NUMBERS if n % 3}
    files = PICTURES | texts(tail) | {"data.yaml": b"kpt_shape: [4, 2]\nnames: [a, b]\n"}
    assert boxes_by_image(files, tmp_path) == EXPECTED


def test_lines_of_another_length_than_the_key_points_have_are_refused(tmp_path: Path) -> None:
    tail = {n: points_in(BOXES[n][0], 4 if n else 3, n) for n in NUMBERS}
    files = PICTURES | texts(tail) | {"data.yaml": b"kpt_shape: [4, 2]\nnames: [a, b]\n"}
    report, found = reported(files, "detection", tmp_path)
    assert (report.skipped, "11 values" in found["box_malformed"].message) == (1, True)


@pytest.mark.parametrize("lengths", [(4,), (5,), (9,), (4, 5, 9)])
def test_polygons_give_their_box_and_are_said_to_be_segments(lengths: tuple[int, ...], tmp_path: Path) -> None:
    lines = {
        f"labels/{n:02}.txt": f"{n % 2} {outline_of(BOXES[n][0], lengths[n % len(lengths)])}".encode() for n in NUMBERS
    }
    files = PICTURES | lines | NAMES
    got = boxes_by_image(files, tmp_path)
    for path, boxes in EXPECTED.items():
        assert got[path][0][0] == boxes[0][0]
        np.testing.assert_allclose(got[path][0][1:], boxes[0][1:], atol=1e-3)
    assert "24 of 24" in reported(files, "detection", tmp_path)[1]["segments_in_boxes"].message


def test_polygons_become_masks(tmp_path: Path) -> None:
    files = PICTURES | {f"labels/{n:02}.txt": f"{n % 2} {outline_of(BOXES[n][0], 4)}".encode() for n in NUMBERS} | NAMES
    masks, classes = masks_by_image(files, tmp_path)
    assert classes == ["background", "a", "b"]
    for number in NUMBERS:
        _, x, y, width, height = BOXES[number][0]
        expected = np.zeros((SIDE, SIDE), np.uint8)
        expected[y : y + height, x : x + width] = number % 2 + 1
        np.testing.assert_array_equal(masks[f"images/{number:02}.png"], expected)


def test_lines_of_one_length_that_fit_neither_reading_are_not_guessed(tmp_path: Path) -> None:
    """Half of the lines are polygons of six corners, half boxes with four points."""
    lines = {
        f"labels/{n:02}.txt": f"{n % 2} {outline_of(BOXES[n][0], 6)}".encode()
        if n < 12
        else yolo_lines(BOXES[n], tail=points_in(BOXES[n][0], 4, n))
        for n in NUMBERS
    }
    report, found = reported(PICTURES | lines | NAMES, "detection", tmp_path)
    assert report.status == "invalid"
    assert "kpt_shape" in (found["lines_ambiguous"].fix or "")


def test_lines_that_stand_twice_count_once(tmp_path: Path) -> None:
    files = PICTURES | {path: content + b"\n" + content for path, content in texts().items()} | NAMES
    assert boxes_by_image(files, tmp_path) == EXPECTED
    assert reported(files, "detection", tmp_path)[0].counts["box_repeated"] == 24


def test_one_place_with_two_classes_is_said(tmp_path: Path) -> None:
    files = PICTURES | texts() | NAMES
    files["labels/00.txt"] = yolo_lines([BOXES[0][0], ("b", *BOXES[0][0][1:])])
    _, found = reported(files, "detection", tmp_path)
    assert found["box_of_two_classes"].path == "images/00.png"


def test_boxes_under_a_pixel_are_said(tmp_path: Path) -> None:
    files = PICTURES | texts() | NAMES | {"labels/00.txt": b"0 0.5 0.5 0.01 0.5"}
    _, found = reported(files, "detection", tmp_path)
    assert found["box_under_pixel"].path == "images/00.png"


NAMED: dict[str, tuple[Files, list[str]]] = {
    "no_yes": ({"data.yaml": b"names: [no, yes]"}, ["no", "yes"]),
    "on_off": ({"data.yaml": b"names:\n  0: on\n  1: off\n"}, ["on", "off"]),
    "null_true": ({"data.yaml": b"names:\n- null\n- true\n"}, ["null", "true"]),
    "numbers": ({"data.yaml": b"names: [007, 1.50]"}, ["007", "1.50"]),
    "dates": ({"data.yaml": b"names: [2024-01-01, 12:30]"}, ["2024-01-01", "12:30"]),
    "norway": ({"data.yaml": b"names: {0: NO, 1: SE}"}, ["NO", "SE"]),
    "classes_key": ({"data.yaml": b"classes: [x, y]"}, ["x", "y"]),
    "coins": ({"classes.txt": b"1 euro\n50 cent"}, ["1 euro", "50 cent"]),
    "coins_down": ({"classes.txt": b"2 euro\n1 euro"}, ["2 euro", "1 euro"]),
    "numbered": ({"classes.txt": b"0: x\n1: y"}, ["x", "y"]),
    "numbered_by_space": ({"classes.txt": b"0 x\n1 y"}, ["x", "y"]),
    "darknet_labels": ({"train/_darknet.labels": b"x\ny"}, ["x", "y"]),
    "obj_names": ({"data/obj.names": b"x\ny\n"}, ["x", "y"]),
    "byte_order_mark": ({"classes.txt": "\ufeffé\nü".encode()}, ["é", "ü"]),
    "labelme_list": ({"labels.txt": b"__ignore__\nx\ny"}, ["x", "y"]),
    "json_of_ids": ({"classes.json": b'[{"id": 1, "name": "y"}, {"id": 0, "name": "x"}]'}, ["x", "y"]),
    "json_to_numbers": ({"labels.json": b'{"y": 1, "x": 0}'}, ["x", "y"]),
}


@pytest.mark.parametrize("name", NAMED)
def test_names_are_kept_as_they_are_written(name: str, tmp_path: Path) -> None:
    named, classes = NAMED[name]
    got = boxes_by_image(PICTURES | texts() | named, tmp_path)
    assert {boxes[0][0] for number, boxes in enumerate(got[path] for path in sorted(got)) if number % 2 == 0} == {
        classes[0]
    }
    assert {boxes[0][0] for number, boxes in enumerate(got[path] for path in sorted(got)) if number % 2} == {classes[1]}


def test_numbers_with_gaps_are_kept_by_number(tmp_path: Path) -> None:
    lines = {path: content.replace(b"1 ", b"7 ", 1).replace(b"0 ", b"3 ", 1) for path, content in texts().items()}
    files = PICTURES | lines | {"data.yaml": b"names:\n  3: cat\n  7: dog\n"}
    got = boxes_by_image(files, tmp_path)
    assert [got[f"images/{n:02}.png"][0][0] for n in (0, 1)] == ["cat", "dog"]
    report, found = reported(PICTURES | texts() | {"data.yaml": b"names: {1: cat, 2: dog}"}, "detection", tmp_path)
    assert (report.status, "1, 2" in found["class_out_of_range"].message) == ("invalid", True)


def test_without_names_classes_are_called_by_their_numbers_and_none_is_made_up(tmp_path: Path) -> None:
    lines = {path: content.replace(b"1 ", b"12 ", 1) for path, content in texts().items()}
    files = PICTURES | lines
    got = boxes_by_image(files, tmp_path)
    assert [got[f"images/{n:02}.png"][0][0] for n in (0, 1)] == ["class_0", "class_12"]
    report, found = reported(files, "detection", tmp_path)
    assert (report.classes, found["classes_unnamed"].severity) == (2, "warning")


def test_lists_of_names_that_differ_are_both_said(tmp_path: Path) -> None:
    files = PICTURES | texts() | {"classes.txt": b"a\nb", "sub/data.yaml": b"names: [b, a]"}
    _, found = reported(files, "detection", tmp_path)
    assert "b, a" in found["class_names_differ"].message
    assert "a, b" in found["class_names_differ"].message


LISTS = {
    Path("train.txt"): range(14),
    Path("val.txt"): range(14, 18),
    Path("test.txt"): range(18, 24),
}


@pytest.mark.parametrize("prefix", ["./images/", "images/", "/data/set/images/", "C:\\set\\images\\", "../images/", ""])
@pytest.mark.parametrize("home", ["", "lists/"])
def test_lists_in_data_yaml_say_the_splits(prefix: str, home: str, tmp_path: Path) -> None:
    lists = {
        f"{home}{path}": "\n".join(f"{prefix}{n:02}.png" for n in listed).encode() for path, listed in LISTS.items()
    }
    stated = f"path: /data/set\ntrain: {home}train.txt\nval: {home}val.txt\ntest: {home}test.txt\nnames: [a, b]"
    report, _ = reported(PICTURES | texts() | lists | {"data.yaml": stated.encode()}, "detection", tmp_path)
    assert report.splits == {"train": 14, "val": 4, "test": 6}


def test_darknets_data_file_and_lists_without_any_file_say_the_splits_too(tmp_path: Path) -> None:
    lists = {f"data/{path}": "\n".join(f"images/{n:02}.png" for n in listed).encode() for path, listed in LISTS.items()}
    plain = PICTURES | texts() | lists | {"data/obj.names": b"a\nb"}
    assert reported(plain, "detection", tmp_path)[0].splits == {"train": 14, "val": 4, "test": 6}
    stated = b"classes = 2\ntrain = data/train.txt\nvalid = data/test.txt\nnames = data/obj.names\n"
    report, _ = reported(plain | {"data/obj.data": stated}, "detection", tmp_path)
    assert (report.layout, report.splits) == ("darknet", {"train": 18, "val": 6, "test": 0})


def test_folders_in_data_yaml_say_the_splits(tmp_path: Path) -> None:
    lies = {n: f"images/{'first' if n < 16 else 'second'}/{n:02}.png" for n in NUMBERS}
    files = pictures(lies.values())
    files |= {lies[n].replace("images", "labels").replace("png", "txt"): yolo_lines(BOXES[n]) for n in NUMBERS}
    stated = b"path: ../set\ntrain: images/first\nval: images/second\nnames: [a, b]"
    assert reported(files | {"data.yaml": stated}, "detection", tmp_path)[0].splits == {
        "train": 16,
        "val": 8,
        "test": 0,
    }
    both = stated.replace(b"second", b"first")
    report, found = reported(files | {"data.yaml": both}, "detection", tmp_path)
    assert "splits_made" in report.counts
    assert found["split_contested"].severity == "warning"


def test_an_image_on_two_lists_is_held_out_and_that_is_said(tmp_path: Path) -> None:
    lists = {"train.txt": "\n".join(f"images/{n:02}.png" for n in range(20)).encode()}
    lists["val.txt"] = "\n".join(f"images/{n:02}.png" for n in range(16, 24)).encode()
    report, found = reported(PICTURES | texts() | lists | NAMES, "detection", tmp_path)
    assert (report.splits["train"], report.splits["val"]) == (16, 8)
    assert "4 images" in found["split_contested"].message


def test_a_list_that_is_not_there_is_said(tmp_path: Path) -> None:
    stated = {"data.yaml": b"train: train.txt\nval: val.txt\nnames: [a, b]"}
    assert "train.txt" in reported(PICTURES | texts() | stated, "detection", tmp_path)[1]["split_list_missing"].message


def test_pictures_beside_the_set_do_not_count_against_it(tmp_path: Path) -> None:
    beside = pictures(["docs/chart.png", "docs/logo.png", "runs/result.jpg"])
    files = PICTURES | texts() | NAMES | beside
    assert boxes_by_image(files, tmp_path) == EXPECTED
    report, found = reported(files, "detection", tmp_path)
    assert (report.skipped, "3 images in docs, runs" in found["images_beside_the_set"].message) == (3, True)


def test_a_person_says_what_images_without_annotations_are(tmp_path: Path) -> None:
    files = {name: content for name, content in (PICTURES | texts() | NAMES).items() if name[:8] != "labels/0"}
    bare = [f"images/{n:02}.png" for n in range(10)]
    report, found = reported(files, "detection", tmp_path)
    assert (report.status, "--unlabelled" in (found["annotation_missing"].fix or "")) == ("invalid", True)
    skipped = boxes_by_image(files, tmp_path, reading=ReadingSpec(unlabelled="skip"))
    assert skipped == {path: boxes for path, boxes in EXPECTED.items() if path not in bare}
    kept = boxes_by_image(files, tmp_path, reading=ReadingSpec(unlabelled="background"))
    assert kept == EXPECTED | {path: [] for path in bare}
    one_less = PICTURES | texts() | NAMES
    del one_less["labels/00.txt"]
    report, found = reported(one_less, "detection", tmp_path, reading=ReadingSpec(unlabelled="refuse"))
    assert (report.status, found["annotation_missing"].severity) == ("invalid", "error")


def test_classes_are_mapped_and_dropped_as_a_person_says(tmp_path: Path) -> None:
    files = PICTURES | texts() | NAMES
    merged = boxes_by_image(files, tmp_path, reading=ReadingSpec(map={"a": "thing", "b": "thing"}))
    assert {boxes[0][0] for boxes in merged.values()} == {"thing"}
    dropped = boxes_by_image(files, tmp_path, reading=ReadingSpec(drop=("b",)))
    assert dropped == {path: boxes if boxes[0][0] == "a" else [] for path, boxes in EXPECTED.items()}
    for wrong in (ReadingSpec(map={"c": "a"}), ReadingSpec(drop=("c",)), ReadingSpec(instances_as="a")):
        assert "option_without_effect" in reported(files, "detection", tmp_path, reading=wrong)[1]


def test_data_yaml_can_say_that_such_lines_are_polygons(tmp_path: Path) -> None:
    lines = {
        f"labels/{n:02}.txt": f"{n % 2} 0.5 0.5 0.6 0.6 0.4 0.6 0.45 0.55 0.5 0.{52 + n}".encode() for n in NUMBERS
    }
    stated = {"data.yaml": b"task: segment\nnames: [a, b]"}
    assert "segments_in_boxes" in reported(PICTURES | lines | stated, "detection", tmp_path)[1]


def test_a_count_of_classes_that_is_not_that_of_the_names_is_said(tmp_path: Path) -> None:
    stated = {"data.yaml": b"nc: 3\nnames: [a, b]"}
    assert "nc: 3" in reported(PICTURES | texts() | stated, "detection", tmp_path)[1]["class_count_differs"].message


@pytest.mark.parametrize("tail", [" 0.9", " 0.9 1", " 0.9 17", " 0.9 1 1"])
def test_confidences_and_numbers_of_tracks_are_no_corners(tail: str, tmp_path: Path) -> None:
    files = PICTURES | texts(dict.fromkeys(NUMBERS, tail)) | NAMES
    assert reported(files, "detection", tmp_path)[0].status == "invalid"


def test_a_list_that_is_stated_for_two_splits_says_nothing(tmp_path: Path) -> None:
    """Yolo_mark writes `valid = data/train.txt`, too."""
    listed = "\n".join(f"images/{n:02}.png" for n in NUMBERS).encode()
    stated = {"obj.data": b"train = train.txt\nvalid = train.txt\n", "obj.names": b"a\nb", "train.txt": listed}
    report, found = reported(PICTURES | texts() | stated, "detection", tmp_path)
    assert "several splits" in found["split_contested"].message
    assert report.splits["train"] > report.splits["val"]
