"""Malformed and hostile annotations: the image or the archive is refused by name, with what to do."""

import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.tasks import TaskName
from ingest import IngestResult, Limits
from tests.data import layouts, scenes
from tests.data.layouts import Files
from tests.ingest.archives import encode, npz, png, zipped
from tests.ingest.packs import run_ingest

SCENES = scenes.draw(30, seed=2, size=(48, 48), most=2)
FIRST = SCENES[0].name
COCO, MASKS = layouts.coco(SCENES), layouts.masks(SCENES)
VOC, YOLO = layouts.voc_boxes(SCENES), layouts.yolo(SCENES)
STATED = json.loads(COCO["instances.json"])
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
    + "]><annotation><filename>&m;</filename></annotation>"
)


def coco(change: Callable[[dict], object]) -> Files:
    stated = copy.deepcopy(STATED)
    change(stated)
    return COCO | {"instances.json": json.dumps(stated).encode()}


def first(**more: object) -> Callable[[dict], object]:
    """A change of the first annotation."""
    return lambda stated: stated["annotations"][0].update(more)


def every(**more: object) -> Callable[[dict], object]:
    return lambda stated: [annotation.update(more) for annotation in stated["annotations"]]


def renamed(stated: dict) -> None:
    for image in stated["images"]:
        image["file_name"] = "no.png"


def stray(stated: dict) -> None:
    stated["annotations"] += [{"image_id": 77}, 5]
    stated["images"].append({})


def mask(content: bytes) -> Files:
    return MASKS | {f"masks/{FIRST}.png": content}


def page(content: bytes) -> Files:
    return VOC | {f"VOC/Annotations/{FIRST}.xml": content}


def lines(content: bytes) -> Files:
    return YOLO | {f"labels/{FIRST}.txt": content}


def box(edges: str) -> bytes:
    return f"<annotation><object><name>A</name><bndbox>{edges}</bndbox></object></annotation>".encode()


def values(*pixels: int) -> bytes:
    """A mask of the scene's size with these values in its first row."""
    filled = np.zeros((48, 48), np.uint8)
    filled[0, : len(pixels)] = pixels
    return layouts.mask_png(filled)


@dataclass(frozen=True)
class Case:
    files: Files
    code: str
    task: TaskName = "detection"
    limits: dict[str, int] = field(default_factory=dict)


SEG: TaskName = "segmentation"
FLOATS = Image.fromarray(np.ones((48, 48), np.float32))
DEEP = Image.fromarray(np.full((48, 48), 700, np.uint16))
ONE_BAD_IMAGE = {  # of thirty: the rest is taken
    "coco_nan_box": Case(coco(first(bbox=[float("nan"), 1, 5, 5])), "box_not_finite"),
    "coco_endless_box": Case(coco(first(bbox=[1, 1, float("inf"), 5])), "box_not_finite"),
    "coco_huge_number": Case(coco(first(bbox=[10**400, 1, 5, 5])), "box_malformed"),
    "coco_short_box": Case(coco(first(bbox=[1, 2, 3])), "box_malformed"),
    "coco_box_of_text": Case(coco(first(bbox="1,2,3,4")), "box_malformed"),
    "coco_box_of_nothing": Case(coco(first(bbox=None)), "box_malformed"),
    "coco_box_of_truth": Case(coco(first(bbox=[True, 1, 5, 5])), "box_malformed"),
    "coco_empty_box": Case(coco(first(bbox=[1, 1, 0, 5])), "box_empty"),
    "coco_negative_box": Case(coco(first(bbox=[20, 20, -5, 5])), "box_empty"),
    "coco_box_outside": Case(coco(first(bbox=[40, 40, 30, 5])), "box_outside"),
    "coco_unknown_category": Case(coco(first(category_id=999)), "class_out_of_range"),
    "coco_category_of_list": Case(coco(first(category_id=[11])), "class_out_of_range"),
    "coco_other_size": Case(coco(lambda s: s["images"][0].update(width=96)), "size_mismatch"),
    "coco_unlisted_image": Case(COCO | {"images/x.png": png(5, side=48)}, "annotation_missing"),
    "coco_odd_polygon": Case(coco(first(segmentation=[[1, 1, 5, 5, 9, 1, 3]])), "region_malformed", SEG),
    "coco_polygon_of_two": Case(coco(first(segmentation=[[1, 1, 5, 5]])), "region_malformed", SEG),
    "coco_polygon_outside": Case(coco(first(segmentation=[[1, 1, 500, 5, 9, 1]])), "region_outside", SEG),
    "coco_no_region": Case(coco(lambda s: s["annotations"][0].pop("segmentation")), "region_malformed", SEG),
    "coco_run_length_bomb": Case(
        coco(first(segmentation={"size": [60_000, 60_000], "counts": [3_600_000_000]})), "size_mismatch", SEG
    ),
    "coco_long_runs": Case(coco(first(segmentation={"size": [48, 48], "counts": [0, 2**39]})), "region_malformed", SEG),
    "coco_cut_runs": Case(coco(first(segmentation={"size": [48, 48], "counts": "`"})), "region_malformed", SEG),
    "voc_entities": Case(page(LAUGHS.encode()), "annotation_unreadable"),
    "voc_outside_entity": Case(
        page(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>'),
        "annotation_unreadable",
    ),
    "voc_cut": Case(page(b"<annotation><object>"), "annotation_unreadable"),
    "voc_empty_file": Case(page(b""), "annotation_unreadable"),
    "voc_no_text": Case(page(b"\xff\xfe\x00\x01" * 9), "annotation_unreadable"),
    "voc_words": Case(page(box("<xmin>a</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>")), "box_malformed"),
    "voc_no_edge": Case(page(box("<xmin>1</xmin>")), "box_malformed"),
    "voc_nan": Case(page(box("<xmin>nan</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>")), "box_not_finite"),
    "voc_outside": Case(page(box("<xmin>1</xmin><ymin>1</ymin><xmax>99</xmax><ymax>9</ymax>")), "box_outside"),
    "voc_no_name": Case(page(box("").replace(b"<name>A</name>", b"")), "label_missing"),
    "voc_missing": Case({k: v for k, v in VOC.items() if k != f"VOC/Annotations/{FIRST}.xml"}, "annotation_missing"),
    "yolo_words": Case(lines(b"0 a b c d"), "box_malformed"),
    "yolo_four": Case(lines(b"0 0.5 0.5 0.1"), "box_malformed"),
    "yolo_six": Case(lines(b"0 0.5 0.5 0.1 0.1 0.9"), "box_malformed"),
    "yolo_nan": Case(lines(b"0 nan 0.5 0.1 0.1"), "box_not_finite"),
    "yolo_pixels": Case(lines(b"0 24 24 10 10"), "box_outside"),
    "yolo_empty_box": Case(lines(b"0 0.5 0.5 0 0.1"), "box_empty"),
    "yolo_class": Case(lines(b"4 0.5 0.5 0.1 0.1"), "class_out_of_range"),
    "yolo_negative_class": Case(lines(b"-1 0.5 0.5 0.1 0.1"), "class_out_of_range"),
    "yolo_half_class": Case(lines(b"0.5 0.5 0.5 0.1 0.1"), "class_out_of_range"),
    "yolo_no_text": Case(lines(b"\xff\xfe\xfa"), "annotation_unreadable"),
    "yolo_missing": Case({k: v for k, v in YOLO.items() if k != f"labels/{FIRST}.txt"}, "annotation_missing"),
    "yolo_too_many": Case(lines(b"0 0.5 0.5 0.1 0.1\n" * 50), "too_many_boxes", limits={"boxes": 40}),
    "mask_of_other_size": Case(mask(layouts.mask_png(np.zeros((24, 48), np.uint8))), "size_mismatch", SEG),
    "mask_class": Case(mask(values(0, 1, 9)), "class_out_of_range", SEG),
    "mask_cut": Case(mask(values(1)[:60]), "mask_unreadable", SEG),
    "mask_no_image": Case(mask(b"hello"), "mask_unreadable", SEG),
    "mask_jpeg": Case(mask(encode(np.zeros((48, 48), np.uint8), "JPEG")), "mask_unreadable", SEG),
    "mask_in_colours": Case(mask(encode(SCENES[0].image)), "mask_in_colours", SEG),
    "mask_all_ignored": Case(mask(layouts.mask_png(np.full((48, 48), 255, np.uint8))), "mask_empty", SEG),
    "mask_of_floats": Case(mask(encode(FLOATS, "TIFF")), "mask_in_colours", SEG),
    "mask_of_16_bits": Case(mask(encode(DEEP)), "class_out_of_range", SEG),
    "mask_missing": Case({k: v for k, v in MASKS.items() if k != f"masks/{FIRST}.png"}, "annotation_missing", SEG),
}  # fmt: skip

WHOLE = {
    "coco_cut": Case(COCO | {"instances.json": COCO["instances.json"][:500]}, "annotations_unreadable"),
    "coco_deep": Case(COCO | {"instances.json": b"[" * 500_000}, "annotations_unreadable"),
    "coco_deep_object": Case(COCO | {"instances.json": b'{"images":' * 200_000}, "annotations_unreadable"),
    "coco_no_text": Case(COCO | {"instances.json": b"\xff\xfe\xfa" * 50}, "annotations_unreadable"),
    "coco_without_lists": Case(COCO | {"instances.json": b'{"images": {}, "annotations": 5}'}, "no_annotations"),
    "coco_huge": Case(COCO, "no_annotations", limits={"annotations_bytes": 1000}),
    "coco_bomb": Case(COCO | {"instances.json": b" " * 100_000_000}, "archive_bomb"),
    "coco_nothing_annotated": Case(coco(lambda s: s.update(annotations=[])), "no_boxes"),
    "coco_all_nan": Case(coco(every(bbox=[float("nan")] * 4)), "too_many_bad_images"),
    "coco_other_images": Case(coco(renamed), "too_many_bad_images"),
    "no_annotations": Case({k: v for k, v in YOLO.items() if k.startswith("images")}, "no_annotations"),
    "no_masks": Case({k: v for k, v in MASKS.items() if k.startswith("images")}, "no_annotations", SEG),
    "only_masks": Case({k: v for k, v in MASKS.items() if k.startswith("masks")}, "no_annotations", SEG),
    "nothing": Case({"a.txt": b"x"}, "no_images"),
    "two_bad_of_thirty": Case(
        MASKS | {f"masks/{scene.name}.png": b"hello" for scene in SCENES[:2]}, "too_many_bad_images", SEG
    ),
    "names_twice": Case(MASKS | {"classes.txt": b"a\na\nb\nc\nd"}, "class_named_twice", SEG),
    "too_many_names": Case(MASKS | {"classes.txt": "\n".join(map(str, range(256))).encode()}, "too_many_classes", SEG),
    "masks_of_one_class": Case(
        {k: v for k, v in MASKS.items() if k != "classes.txt"}
        | {f"masks/{scene.name}.png": values(0, 0) for scene in SCENES},
        "one_class",
        SEG,
    ),
}


def refused(case: Case, folder: Path) -> IngestResult:
    started = time.monotonic()
    result = run_ingest(zipped(case.files), folder, task=case.task, limits=Limits(**case.limits))
    assert time.monotonic() - started < 20
    found = [finding for finding in result.report.findings if finding.code == case.code]
    assert found, result.report.findings
    assert all(finding.fix for finding in found)
    return result


@pytest.mark.parametrize("name", ONE_BAD_IMAGE)
def test_one_bad_annotation_costs_its_image_only(name: str, tmp_path: Path) -> None:
    case = ONE_BAD_IMAGE[name]
    result = refused(case, tmp_path)
    assert result.manifest is not None
    images = sum(path.endswith(".png") and "masks/" not in path for path in case.files)
    assert (result.report.accepted, result.report.skipped) == (images - 1, 1)
    (finding,) = [finding for finding in result.report.findings if finding.code == case.code]
    assert finding.path in case.files


@pytest.mark.parametrize("name", WHOLE)
def test_archive_without_sound_annotations_leaves_a_report_only(name: str, tmp_path: Path) -> None:
    result = refused(WHOLE[name], tmp_path)
    assert result.manifest is None
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.json"]


@pytest.mark.parametrize("task", ["segmentation", "detection"])
def test_arrays_are_for_classification(task: TaskName, tmp_path: Path) -> None:
    archive = npz(images=np.zeros((4, 8, 8, 3), np.uint8), labels=np.arange(4))
    result = run_ingest(archive, tmp_path, task=task)
    assert result.report.counts == {"no_annotations": 1}


def test_annotations_that_name_no_image_are_told(tmp_path: Path) -> None:
    files = coco(stray)
    result = run_ingest(zipped(files), tmp_path, task="detection")
    assert result.manifest is not None
    assert result.report.counts["annotation_of_no_image"] == 2
    assert result.report.counts["annotation_malformed"] == 1


def test_gray_of_few_bits_is_read_as_numbers(tmp_path: Path) -> None:
    """PNG tools write two classes as one bit and four as two, which Pillow spreads over 0..255."""
    files = dict(MASKS)
    for scene in SCENES:
        few = Image.fromarray((scene.mask > 0).astype(np.uint8) * 255).convert("1")
        files[f"masks/{scene.name}.png"] = encode(few)
    result = run_ingest(zipped(files | {"classes.txt": b"background\nletter"}), tmp_path, task="segmentation")
    assert result.manifest is not None
    assert result.manifest.counts["train"]["letter"] > 0
