"""Sets that contradict themselves, or hold what nothing was made of: said, or refused with both readings."""

import json
from pathlib import Path

import numpy as np
import pytest

from contract.pack.manifest import IGNORE
from contract.specs.reading import ReadingSpec
from tests.ingest.archives import png
from tests.ingest.layouts.annotated.builders import (
    SIDE,
    Files,
    box_of,
    coco,
    pictures,
    save,
    values,
    voc_page,
    yolo_lines,
)
from tests.ingest.layouts.annotated.mask_sets import NUMBERS, PICTURES, masks, plain
from tests.ingest.layouts.annotated.reading import masks_by_image, reported


def project(folder: str, labels: str, names: list[str], count: int = 12) -> Files:
    """A YOLO project with its own list of names, of which `labels` are used."""
    found = {f"{folder}/images/{folder}{n}.png": png(n + 100 * len(names), side=SIDE) for n in range(count)}
    for number in range(count):
        box = box_of(number, labels[number % len(labels)])
        found[f"{folder}/labels/{folder}{number}.txt"] = yolo_lines([box], labels)
    return found | {f"{folder}/classes.txt": "\n".join(names).encode()}


def test_two_projects_that_number_classes_differently_are_refused(tmp_path: Path) -> None:
    files = project("one", "ab", ["car", "dog"]) | project("two", "ab", ["dog", "car"])
    report, found = reported(files, "detection", tmp_path)
    assert report.status == "invalid"
    assert "--ignore 'two/*'" in (found["class_names_contradict"].fix or "")


def test_two_projects_whose_lists_grew_share_the_longer_one(tmp_path: Path) -> None:
    files = project("one", "ab", ["car", "dog"]) | project("two", "abc", ["car", "dog", "cow"])
    report, found = reported(files, "detection", tmp_path)
    assert (report.accepted, report.classes) == (24, 3)
    assert "class_names_contradict" not in found


def test_categories_of_one_name_are_said_to_be_merged(tmp_path: Path) -> None:
    images = {f"{n}.png": [box_of(n)] for n in range(12)}
    twins = [{"id": 1, "name": "car"}, {"id": 2, "name": "car"}]
    _, found = reported(pictures(images) | coco(images, categories=twins), "detection", tmp_path)
    assert "1, 2" in found["categories_merged"].message


def test_255_in_masks_of_their_own_is_not_guessed(tmp_path: Path) -> None:
    files = masks(lambda n: save(values(n, (0, 255) if n % 2 else (0, 1))))
    report, found = reported(files, "segmentation", tmp_path)
    assert report.status == "invalid"
    assert "--map 255=1" in (found["masks_black_and_white"].fix or "")
    for new, meant in ((1, 1), (255, IGNORE)):
        read, _ = masks_by_image(files, tmp_path, reading=ReadingSpec(map={"255": str(new)}))
        np.testing.assert_array_equal(read["images/03.png"], values(3, (0, meant)))


@pytest.mark.parametrize(("alone", "severity"), [(0, "info"), (8, "warning")])
def test_how_much_is_ignored_is_said(alone: int, severity: str, tmp_path: Path) -> None:
    files = masks(lambda n: save(values(n, (0, 255) if n < alone else (0, 1, 255))))
    found = reported(files, "segmentation", tmp_path)[1]["void_ignored"]
    assert (found.severity, "24 masks" in found.message) == (severity, True)


def test_masks_of_no_image_are_named_with_an_image_without_one(tmp_path: Path) -> None:
    files = PICTURES | {f"masks/mask-of-{n:02}.png": save(values(n)) for n in NUMBERS}
    found = reported(files, "segmentation", tmp_path)[1]["masks_of_no_image"]
    assert "masks/mask-of-00.png" in found.message
    assert "images/00.png" in found.message


@pytest.mark.parametrize("title", ["id2label.json", "label2id.json"])
def test_names_of_hugging_face_are_read(title: str, tmp_path: Path) -> None:
    stated = {"0": "sky", "1": "road", "2": "car"} if title.startswith("id") else {"sky": 0, "road": 1, "car": 2}
    _, classes = masks_by_image(masks(plain()) | {title: json.dumps(stated).encode()}, tmp_path)
    assert classes == ["sky", "road", "car"]


def test_lists_beside_labels_that_number_differently_are_refused(tmp_path: Path) -> None:
    files = {}
    for split, names in (("train", ["car", "dog"]), ("val", ["dog", "car"])):
        for number in range(12):
            files[f"images/{split}/{number}.png"] = png(number + 50 * (split == "val"), side=SIDE)
            files[f"labels/{split}/{number}.txt"] = yolo_lines([box_of(number)])
        files[f"labels/{split}/classes.txt"] = "\n".join(names).encode()
    assert "class_names_contradict" in reported(files, "detection", tmp_path)[1]


def test_masks_beside_polygons_are_said_with_the_way_to_choose_them(tmp_path: Path) -> None:
    stated = json.loads(coco({f"images/{n:02}.png": [box_of(n)] for n in NUMBERS})["instances.json"])
    for drawn in stated["annotations"]:
        x, y, w, h = drawn["bbox"]
        drawn["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    files = masks(plain()) | {"instances.json": json.dumps(stated).encode()}
    found = reported(files, "segmentation", tmp_path)[1]["masks_unused"]
    assert (found.severity, "--masks 'masks'" in (found.fix or "")) == ("warning", True)
    assert reported(files, "segmentation", tmp_path, reading=ReadingSpec(masks="masks"))[0].layout == "masks"


def test_difficult_objects_and_scores_are_said(tmp_path: Path) -> None:
    images = pictures(f"images/{n}.png" for n in range(12))
    pages = {
        f"annotations/{n}.xml": voc_page([box_of(n)], f"{n}.png").replace(
            b"</name>", b"</name><difficult>1</difficult>"
        )
        for n in range(12)
    }
    assert "12 objects" in reported(images | pages, "detection", tmp_path)[1]["difficult_kept"].message
    rows = ["image,class,score,xmin,ymin,xmax,ymax", *(f"{n}.png,a,0.9,1,2,{10 + n},12" for n in range(12))]
    found = reported(images | {"boxes.csv": "\n".join(rows).encode()}, "detection", tmp_path)[1]
    assert "'score'" in found["scores_unused"].message
