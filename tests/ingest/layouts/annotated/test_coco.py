"""COCO on what it meets in the wild: wrong kinds, wrong units, ids that contradict each other, overlapping regions."""

import json
from pathlib import Path

import numpy as np
import pytest

from contract.specs.reading import ReadingSpec
from tests.ingest.layouts.annotated.builders import SIDE, Files, box_of, coco, corners, pictures, save, values, voc_page
from tests.ingest.layouts.annotated.reading import boxes_by_image, masks_by_image, reported

NUMBERS = range(24)
BOXES = {f"{n:02}.png": [box_of(n)] for n in NUMBERS}
PICTURES = pictures(f"images/{name}" for name in BOXES)
EXPECTED = {f"images/{name}": [corners(box) for box in boxes] for name, boxes in BOXES.items()}


def page() -> dict[str, list[dict[str, object]]]:
    stated: dict[str, list[dict[str, object]]] = json.loads(coco(BOXES)["instances.json"])
    return stated


def with_page(stated: object, path: str = "instances.json") -> Files:
    return PICTURES | {path: json.dumps(stated).encode()}


def test_boxes_in_shares_are_refused_where_pixels_are_counted(tmp_path: Path) -> None:
    stated = page()
    for annotation in stated["annotations"]:
        annotation["bbox"] = [edge / SIDE for edge in annotation["bbox"]]  # type: ignore[attr-defined]
    report, found = reported(with_page(stated), "detection", tmp_path)
    assert (report.status, "pixels" in (found["box_in_shares"].fix or "")) == ("invalid", True)
    assert (found["box_in_shares"].severity, report.counts) == ("error", {"box_in_shares": 1})
    xml = {f"images/{n:02}.xml": voc_page([("a", 0, 0, 1, 1)], f"{n:02}.png") for n in NUMBERS}
    assert "box_in_shares" in reported(PICTURES | xml, "detection", tmp_path)[1]


def test_one_image_with_boxes_in_shares_costs_that_image(tmp_path: Path) -> None:
    stated = page()
    stated["annotations"][0]["bbox"] = [0.1, 0.1, 0.5, 0.5]
    report, found = reported(with_page(stated), "detection", tmp_path)
    assert (report.skipped, found["box_in_shares"].path) == (1, "images/00.png")


def test_captions_and_panoptic_files_are_no_instances(tmp_path: Path) -> None:
    captions = page() | {"annotations": [{"id": n, "image_id": n, "caption": "a street"} for n in NUMBERS]}
    segments = [
        {"image_id": n, "file_name": f"{n:02}.png", "segments_info": [{"id": 5, "category_id": 1}]} for n in NUMBERS
    ]
    panoptic = page() | {"annotations": segments}
    for task in ("detection", "segmentation"):
        for other, kind in ((captions, "captions"), (panoptic, "panoptic")):
            report, found = reported(with_page(other), task, tmp_path)  # type: ignore[arg-type]
            assert (report.status, kind in found["annotations_of_other_kind"].message) == ("invalid", True)
    files = with_page(page(), "a/instances_train.json") | {"a/captions_train.json": json.dumps(captions).encode()}
    assert boxes_by_image(files, tmp_path) == EXPECTED
    assert reported(files, "detection", tmp_path)[1]["annotations_of_other_kind"].path == "a/captions_train.json"


def test_a_category_of_two_names_is_refused(tmp_path: Path) -> None:
    stated = page()
    stated["categories"].append({"id": 1, "name": "other"})
    found = reported(with_page(stated), "detection", tmp_path)[1]["class_named_twice"]
    assert "'a' and 'other'" in found.message


def test_ids_as_text_and_as_numbers_are_the_same_ids(tmp_path: Path) -> None:
    stated = page()
    for annotation in stated["annotations"]:
        annotation["image_id"], annotation["category_id"] = str(annotation["image_id"]), str(annotation["category_id"])
    assert boxes_by_image(with_page(stated), tmp_path) == EXPECTED


def test_annotations_of_no_listed_image_are_refused_where_they_are_most(tmp_path: Path) -> None:
    stated = page()
    for annotation in stated["annotations"]:
        annotation["image_id"] = f"x{annotation['image_id']}"
    report, found = reported(with_page(stated), "detection", tmp_path)
    assert (report.status, "24 of 24" in found["annotation_of_no_image"].message) == ("invalid", True)


def test_an_image_listed_under_two_ids_gets_the_objects_of_both(tmp_path: Path) -> None:
    stated = page()
    stated["images"].append(stated["images"][0] | {"id": 900})
    stated["annotations"].append({"id": 900, "image_id": 900, "category_id": 2, "bbox": [20, 20, 9, 9]})
    got = boxes_by_image(with_page(stated), tmp_path)
    assert got == EXPECTED | {"images/00.png": [*EXPECTED["images/00.png"], ("b", 20.0, 20.0, 29.0, 29.0)]}


def test_an_image_in_two_files_is_held_out_and_that_is_said(tmp_path: Path) -> None:
    files = PICTURES | coco(BOXES, "train.json") | coco({k: v for k, v in BOXES.items() if k < "04"}, "val.json")
    report, found = reported(files, "detection", tmp_path)
    assert (report.splits["val"], "annotated_twice_alike" in found) == (4, True)


def test_boxes_alone_are_no_masks(tmp_path: Path) -> None:
    report, found = reported(with_page(page()), "segmentation", tmp_path)
    assert (report.status, "--task detection" in (found["no_masks"].fix or "")) == ("invalid", True)


def test_mask_files_count_where_coco_has_boxes_only(tmp_path: Path) -> None:
    files = with_page(page()) | {f"masks/{n:02}.png": save(values(n)) for n in NUMBERS}
    found, _ = masks_by_image(files | {"classes.txt": b"background\na\nb"}, tmp_path)
    np.testing.assert_array_equal(found["images/03.png"], values(3))


def test_the_smaller_region_is_seen_on_the_larger_one(tmp_path: Path) -> None:
    stated = page()
    for annotation in stated["annotations"]:
        x, y, w, h = annotation["bbox"]  # type: ignore[misc]
        annotation["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    for n in NUMBERS:
        whole = [0, 0, SIDE, 0, SIDE, SIDE, 0, SIDE]
        stated["annotations"].append(
            {"id": 500 + n, "image_id": n, "category_id": 3, "segmentation": [whole], "bbox": [0, 0, SIDE, SIDE]}
        )
    stated["categories"].append({"id": 3, "name": "car"})
    found, classes = masks_by_image(with_page(stated), tmp_path)
    assert classes == ["background", "a", "b", "car"]
    label, x, y, w, h = box_of(5)
    expected = np.full((SIDE, SIDE), 3, np.uint8)
    expected[y : y + h, x : x + w] = classes.index(label)
    np.testing.assert_array_equal(found["images/05.png"], expected)
    told = reported(with_page(stated), "segmentation", tmp_path)[1]["regions_overlap"]
    assert "smaller one lies on top" in told.message
    dropped, _ = masks_by_image(with_page(stated), tmp_path, reading=ReadingSpec(drop=("car",)))
    assert int((dropped["images/05.png"] == 255).sum()) == SIDE * SIDE - w * h


def test_what_is_not_used_is_named(tmp_path: Path) -> None:
    files = with_page(page()) | {f"labels/{n:02}.txt": b"0 0.5 0.5 0.1 0.1" for n in NUMBERS} | {"README.txt": b"hi"}
    told = reported(files, "detection", tmp_path)[1]["annotations_unused"]
    assert "24 .txt files were not used" in told.message


def test_images_that_have_an_address_only_are_found_by_it(tmp_path: Path) -> None:
    stated = page()
    for image in stated["images"]:
        image["coco_url"] = f"http://images.cocodataset.org/images/{image.pop('file_name')}"
    assert boxes_by_image(with_page(stated), tmp_path) == EXPECTED


def test_a_set_of_empty_annotations_is_refused(tmp_path: Path) -> None:
    files = PICTURES | {f"labels/{n:02}.txt": b"" for n in NUMBERS} | {"classes.txt": b"a\nb"}
    assert reported(files, "detection", tmp_path)[1]["no_boxes"].severity == "error"


@pytest.mark.parametrize("evidence", ["area", "segmentation"])
def test_boxes_of_corners_in_coco_are_refused(evidence: str, tmp_path: Path) -> None:
    """Small boxes near the upper left fit into their images either way; what else is said shows which is meant."""
    stated = page()
    for annotation in stated["annotations"]:
        x, y, w, h = annotation["bbox"]  # type: ignore[misc]
        ring = [[x, y, x + w, y, x + w, y + h, x, y + h]]
        annotation.update({"area": w * h} if evidence == "area" else {"segmentation": ring})
    assert boxes_by_image(with_page(stated), tmp_path) == EXPECTED
    for annotation in stated["annotations"]:
        x, y, w, h = annotation["bbox"]  # type: ignore[misc]
        annotation["bbox"] = [x, y, x + w, y + h]
    assert reported(with_page(stated), "detection", tmp_path)[1]["boxes_as_corners"].severity == "error"


def test_a_category_called_background_is_the_background(tmp_path: Path) -> None:
    stated = page()
    stated["categories"][0]["name"] = "Background"
    for annotation in stated["annotations"]:
        x, y, w, h = annotation["bbox"]  # type: ignore[misc]
        annotation["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    found, classes = masks_by_image(with_page(stated), tmp_path)
    assert (classes, int(found["images/00.png"].max()), int(found["images/01.png"].max())) == (
        ["background", "b"],
        0,
        1,
    )
