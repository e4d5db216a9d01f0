"""Which picture an annotation belongs to: exact beats the longest end, that beats the base name; nothing is guessed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ingest.layouts.annotated.builders import Files, box_of, coco, corners, pictures, voc_page, yolo_lines
from tests.ingest.layouts.annotated.reading import boxes_by_image, reported

NUMBERS = range(24)
BOXES = {number: [box_of(number)] for number in NUMBERS}


def expected(paths: dict[int, str]) -> dict[str, list[tuple[object, ...]]]:
    return {path: [corners(box) for box in BOXES[number]] for number, path in paths.items()}


def named(pattern: str) -> dict[int, str]:
    return {number: pattern.format(number, "ab"[number % 2], number // 2) for number in NUMBERS}


# What the annotation calls picture n, and where it lies.
NAMES: dict[str, tuple[str, str]] = {
    "bare": ("{0:02}.png", "images/{0:02}.png"),
    "whole_path": ("images/{0:02}.png", "images/{0:02}.png"),
    "wrapped": ("images/{0:02}.png", "my set/v2/images/{0:02}.png"),
    "absolute": ("/home/me/set/images/{0:02}.png", "images/{0:02}.png"),
    "absolute_of_windows": ("C:\\Users\\me\\set\\images\\{0:02}.png", "images/{0:02}.png"),
    "share_of_windows": ("\\\\nas\\photos\\images\\{0:02}.png", "images/{0:02}.png"),
    "address_of_file": ("file:///home/me/images/{0:02}.png", "images/{0:02}.png"),
    "dotted": ("./images/{0:02}.png", "images/{0:02}.png"),
    "climbing": ("../images/{0:02}.png", "images/{0:02}.png"),
    "subfolder": ("cam{1}/{2:02}.png", "images/cam{1}/{2:02}.png"),
    "subfolder_of_windows": ("cam{1}\\{2:02}.png", "images/cam{1}/{2:02}.png"),
    "role_inside": ("cam{1}/{2:02}.png", "cam{1}/images/{2:02}.png"),
    "percent": ("my%20cam/{0:02}.png", "my cam/{0:02}.png"),
    "spaces": (" images/{0:02}.png ", "images/{0:02}.png"),
}


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_found_by_what_coco_calls_them(name: str, tmp_path: Path) -> None:
    stated, kept = (named(pattern) for pattern in NAMES[name])
    files = pictures(kept.values()) | coco({stated[number]: BOXES[number] for number in NUMBERS})
    assert boxes_by_image(files, tmp_path) == expected(kept)


@pytest.mark.parametrize(
    ("stated", "kept", "code"),
    [
        ("IMG_{0:02}.PNG", "images/img_{0:02}.png", "matched_other_case"),
        ("{0:02}.bmp", "images/{0:02}.png", "matched_other_suffix"),
        ("D:/raw/cam7/{0:02}.png", "images/{0:02}.png", "matched_other_folder"),
    ],
)
def test_weaker_likeness_is_taken_if_alone_and_said(stated: str, kept: str, code: str, tmp_path: Path) -> None:
    calls, lies = named(stated), named(kept)
    files = pictures(lies.values()) | coco({calls[number]: BOXES[number] for number in NUMBERS})
    assert boxes_by_image(files, tmp_path) == expected(lies)
    _, found = reported(files, "detection", tmp_path)
    assert lies[0] in found[code].message


def test_a_stranger_of_the_same_base_name_gets_nothing(tmp_path: Path) -> None:
    """Two cameras number their frames alike; the archive holds one of them only."""
    frames = [f"frame_{number:06}.png" for number in range(12)]
    files = pictures(f"cam2/{frame}" for frame in frames)
    stated = {f"cam{camera}/{frame}": [box_of(at + camera)] for camera in (1, 2) for at, frame in enumerate(frames)}
    got = boxes_by_image(files | coco(stated), tmp_path)
    assert got == {f"cam2/{frame}": [corners(box_of(at + 2))] for at, frame in enumerate(frames)}
    report, found = reported(files | coco(stated), "detection", tmp_path)
    assert (report.counts["image_missing"], "cam1/" in found["image_missing"].message) == (12, True)
    only_other = coco({name: boxes for name, boxes in stated.items() if name.startswith("cam1")})
    report, found = reported(files | only_other, "detection", tmp_path)
    assert report.status == "invalid"
    assert "cam1/frame_000000.png" in found["image_missing"].message


def test_folders_of_splits_contradict_each_other(tmp_path: Path) -> None:
    files = pictures(f"images/test/{number:02}.png" for number in NUMBERS)
    stated = coco({f"train/{number:02}.png": BOXES[number] for number in NUMBERS})
    assert reported(files | stated, "detection", tmp_path)[0].status == "invalid"


def test_of_two_pictures_of_one_base_name_none_is_guessed(tmp_path: Path) -> None:
    lone = {f"x/{number:02}.png": [box_of(number)] for number in range(2, 42)}
    files = pictures([*lone, "x/left/00.png", "x/right/00.png"])
    stated = {name.rsplit("/", 1)[-1]: boxes for name, boxes in lone.items()} | {"00.png": [box_of(0)]}
    report, found = reported(files | coco(stated), "detection", tmp_path)
    assert (report.accepted, report.counts["image_ambiguous"]) == (40, 1)
    assert "x/left/00.png" in found["image_ambiguous"].message
    assert "x/right/00.png" in found["image_ambiguous"].message


def test_two_entries_that_lead_to_one_picture_cost_that_picture(tmp_path: Path) -> None:
    """The folders were lost on the way: nobody can say whose boxes the one 00.png has."""
    stated = {f"cam1/{number:02}.png": [box_of(number)] for number in range(40)} | {"cam2/00.png": [box_of(99)]}
    files = pictures(f"{number:02}.png" for number in range(40)) | coco(stated)
    report, found = reported(files, "detection", tmp_path)
    assert (report.accepted, found["image_ambiguous"].path) == (39, "00.png")
    assert "cam2/00.png" in found["image_ambiguous"].message


def test_an_exact_path_beats_a_base_name(tmp_path: Path) -> None:
    stated = {"lost/00.png": [box_of(50)]} | {f"images/{number:02}.png": [box_of(number)] for number in range(24)}
    files = pictures(f"images/{number:02}.png" for number in range(24)) | coco(stated)
    assert boxes_by_image(files, tmp_path)["images/00.png"] == [corners(box_of(0))]
    assert reported(files, "detection", tmp_path)[0].counts["image_missing"] == 1


def test_a_bare_name_means_a_picture_below_its_own_folder(tmp_path: Path) -> None:
    files: Files = {}
    for at, part in enumerate(("setA", "setB")):
        stated = {f"{number:02}.png": [box_of(number + 12 * at)] for number in range(12)}
        files |= pictures(f"{part}/pics/{number:02}.png" for number in range(12)) | coco(stated, f"{part}/labels.json")
    del files["setB/pics/03.png"]
    assert reported(distinct(files), "detection", tmp_path)[0].counts["image_missing"] == 1
    got = boxes_by_image(distinct(files), tmp_path)
    assert got["setA/pics/03.png"] == [corners(box_of(3))]
    assert got["setB/pics/04.png"] == [corners(box_of(16))]


def distinct(files: Files) -> Files:
    """The same names, each picture with pixels of its own."""
    fresh = pictures(name for name in files if name.endswith(".png"))
    return files | fresh


def test_image_ids_used_twice_are_named_and_left_out(tmp_path: Path) -> None:
    stated = {f"{number:02}.png": [box_of(number)] for number in range(60)}
    files = pictures(f"images/{name}" for name in stated)
    page = json.loads(coco(stated)["instances.json"])
    page["images"][58]["id"] = 0
    files["instances.json"] = json.dumps(page).encode()
    report, found = reported(files, "detection", tmp_path)
    assert report.accepted == 58
    assert "0 is used by 00.png and 58.png" in found["image_id_repeated"].message


VOC: dict[str, Callable[[int], tuple[str, str, bytes]]] = {
    "flat": lambda n: (f"JPEGImages/{n:02}.png", f"Annotations/{n:02}.xml", voc_page(BOXES[n], f"{n:02}.png")),
    "beside": lambda n: (f"train/{n:02}.png", f"train/{n:02}.xml", voc_page(BOXES[n], f"{n:02}.png")),
    "subfolders": lambda n: (
        f"JPEGImages/cam{n % 2}/{n // 2:02}.png",
        f"Annotations/cam{n % 2}/{n // 2:02}.xml",
        voc_page(BOXES[n], f"cam{n % 2}/{n // 2:02}.png"),
    ),
    "folder_element": lambda n: (
        f"pics/cam{n % 2}/{n // 2:02}.png",
        f"xml/{n:03}.xml",
        voc_page(BOXES[n], f"{n // 2:02}.png", folder=f"cam{n % 2}"),
    ),
    "path_element": lambda n: (
        f"pics/cam{n % 2}/{n // 2:02}.png",
        f"xml/{n:03}.xml",
        voc_page(BOXES[n], f"{n // 2:02}.png", path=f"C:\\data\\pics\\cam{n % 2}\\{n // 2:02}.png"),
    ),
    "stale_filename": lambda n: (f"i/{n:02}.png", f"i/{n:02}.xml", voc_page(BOXES[n], "image.jpg")),
    "suffix_decides": lambda n: (
        f"i/{n // 2:02}.{'png' if n % 2 else 'jpg'}",
        f"x/{n:03}.xml",
        voc_page(BOXES[n], f"{n // 2:02}.{'png' if n % 2 else 'jpg'}"),
    ),
}


@pytest.mark.parametrize("name", VOC)
def test_xml_files_find_their_picture(name: str, tmp_path: Path) -> None:
    made = {number: VOC[name](number) for number in NUMBERS}
    files = pictures(picture for picture, _, _ in made.values()) | {path: page for _, path, page in made.values()}
    assert boxes_by_image(files, tmp_path) == expected({number: picture for number, (picture, _, _) in made.items()})


def test_a_filename_that_names_another_picture_is_said(tmp_path: Path) -> None:
    files = pictures(f"i/{number:02}.png" for number in NUMBERS)
    files |= {f"i/{number:02}.xml": voc_page(BOXES[number], "01.png") for number in NUMBERS}
    assert boxes_by_image(files, tmp_path) == expected(named("i/{0:02}.png"))
    assert "23 XML files" in reported(files, "detection", tmp_path)[1]["filename_differs"].message


YOLO: dict[str, tuple[str, str]] = {
    "folders": ("images/{0:02}.png", "labels/{0:02}.txt"),
    "roles_inside_splits": ("train/images/{0:02}.png", "train/labels/{0:02}.txt"),
    "roles_around_splits": ("images/train/{0:02}.png", "labels/train/{0:02}.txt"),
    "beside_in_images": ("images/{0:02}.png", "images/{0:02}.txt"),
    "beside": ("{0:02}.png", "{0:02}.txt"),
    "top_folder_of_role": ("drone images/images/{0:02}.png", "drone images/labels/{0:02}.txt"),
    "top_folder_of_other_role": ("labels-v2/images/{0:02}.png", "labels-v2/labels/{0:02}.txt"),
    "dated": ("annotations_2024/imgs/{0:02}.png", "annotations_2024/yolo_labels/{0:02}.txt"),
    "cameras": ("images/cam{1}/{2:02}.png", "labels/cam{1}/{2:02}.txt"),
    "darknet": ("data/obj_train_data/{0:02}.png", "data/obj_train_data/{0:02}.txt"),
}


@pytest.mark.parametrize("name", YOLO)
def test_text_files_find_their_picture(name: str, tmp_path: Path) -> None:
    lies, texts = (named(pattern) for pattern in YOLO[name])
    files = pictures(lies.values()) | {texts[number]: yolo_lines(BOXES[number]) for number in NUMBERS}
    assert boxes_by_image(files | {"classes.txt": b"a\nb"}, tmp_path) == expected(lies)


def test_half_beside_and_half_in_labels(tmp_path: Path) -> None:
    lies = named("images/{0:02}.png")
    texts = {n: f"images/{n:02}.txt" if n % 2 else f"labels/{n:02}.txt" for n in NUMBERS}
    files = pictures(lies.values()) | {texts[n]: yolo_lines(BOXES[n]) for n in NUMBERS} | {"classes.txt": b"a\nb"}
    assert boxes_by_image(files, tmp_path) == expected(lies)


def test_a_text_file_of_another_camera_is_not_taken(tmp_path: Path) -> None:
    files = pictures(f"images/cam2/{n:02}.png" for n in NUMBERS) | {"classes.txt": b"a\nb"}
    files |= {f"labels/cam1/{n:02}.txt": yolo_lines(BOXES[n]) for n in NUMBERS}
    assert reported(files, "detection", tmp_path)[0].status == "invalid"


def test_two_pictures_of_one_name_and_one_text_file_are_said_to_be_two(tmp_path: Path) -> None:
    files = pictures([*(f"images/{n:02}.png" for n in range(40)), "images/00.jpg"])
    files |= {f"labels/{n:02}.txt": yolo_lines([box_of(n)]) for n in range(40)} | {"classes.txt": b"a\nb"}
    report, found = reported(files, "detection", tmp_path)
    assert (report.accepted, report.counts["image_ambiguous"]) == (39, 2)
    assert "images/00.png" in found["image_ambiguous"].message
    assert "images/00.jpg" in found["image_ambiguous"].message
