"""What other people's tools export becomes the boxes and masks that were drawn, box by box and pixel by pixel."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.data import box_exports, exports, scenes
from tests.data.layouts import Files
from tests.data.scenes import LETTERS, Scene
from tests.ingest.archives import tarred, zipped
from tests.ingest.layouts.annotated.reading import boxes_of, ingested, mask_of, painted_boxes, reported

EMPTY = dataclasses.replace(
    scenes.draw(1, seed=9, size=(80, 72))[0],
    name="empty",
    mask=np.zeros((80, 72), np.uint8),
    boxes=np.zeros((0, 4), np.float32),
    labels=np.zeros(0, np.int64),
    instances=np.zeros((80, 72), np.int64),
)
SCENES = [*scenes.draw(24, seed=3, size=(80, 72)), EMPTY]
BY_NAME = {scene.name: scene for scene in SCENES}

Build = Callable[[Sequence[Scene]], Files]
BOXES: dict[str, tuple[Build, str]] = {
    "cvat": (exports.cvat, "cvat"),
    "labelme": (exports.labelme, "labelme"),
    "supervisely": (exports.supervisely, "supervisely"),
    "label_studio": (exports.label_studio, "label_studio"),
    "via": (exports.via, "via"),
    "via_csv": (exports.via_csv, "via"),
    "vott": (exports.vott, "vott"),
    "createml": (exports.createml, "createml"),
    "keras_yolo": (box_exports.keras_yolo, "keras_yolo"),
    "tensorflow_csv": (box_exports.tensorflow_csv, "box_csv"),
    "retinanet": (box_exports.retinanet, "box_csv"),
    "open_images": (lambda drawn: box_exports.open_images(drawn[:-1]), "open_images"),
    "kitti": (box_exports.kitti, "kitti"),
    "hugging_face": (box_exports.hugging_face, "hugging_face"),
    "darknet": (box_exports.darknet, "darknet"),
}
WITH_REGIONS: dict[str, Callable[..., Files]] = {
    "cvat": exports.cvat,
    "labelme": exports.labelme,
    "supervisely": exports.supervisely,
    "label_studio": exports.label_studio,
    "via": exports.via,
    "via_csv": exports.via_csv,
    "vott": exports.vott,
}
BITMAPS = {"cvat", "labelme", "supervisely", "label_studio"}


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", BOXES)
def test_boxes_are_those_that_were_drawn(name: str, pack: Callable[[Files], bytes], tmp_path: Path) -> None:
    build, layout = BOXES[name]
    opened, manifest = ingested(build(SCENES), "detection", tmp_path, pack)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    expected = len(SCENES) - (name == "open_images")  # whose tables cannot say that an image shows nothing
    assert (report["layout"], manifest.classes, manifest.samples) == (layout, list(LETTERS), expected)
    for row in range(manifest.samples):
        scene = BY_NAME[Path(opened.table.column("path")[row].as_py()).stem]
        boxes, labels = boxes_of(opened, row)
        np.testing.assert_allclose(boxes, scene.boxes, atol=1e-3)
        np.testing.assert_array_equal(labels, scene.labels)


@pytest.mark.parametrize("name", WITH_REGIONS)
def test_regions_are_painted_as_they_were_drawn(name: str, tmp_path: Path) -> None:
    opened, manifest = ingested(WITH_REGIONS[name](SCENES, regions=True), "segmentation", tmp_path)
    assert manifest.classes == ["background", *LETTERS]
    for row in range(len(SCENES)):
        scene = BY_NAME[Path(opened.table.column("path")[row].as_py()).stem]
        expected = scene.mask if name in BITMAPS else painted_boxes(scene)
        np.testing.assert_array_equal(mask_of(opened, row), expected)


@pytest.mark.parametrize("name", WITH_REGIONS)
def test_boxes_are_drawn_around_regions(name: str, tmp_path: Path) -> None:
    opened, _ = ingested(WITH_REGIONS[name](SCENES, regions=True), "detection", tmp_path)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["counts"]["boxes_from_regions"] == 1
    for row in range(len(SCENES)):
        scene = BY_NAME[Path(opened.table.column("path")[row].as_py()).stem]
        boxes, labels = boxes_of(opened, row)
        np.testing.assert_allclose(boxes, scene.boxes, atol=1e-3)
        np.testing.assert_array_equal(labels, scene.labels)


@pytest.mark.parametrize("name", BOXES)
def test_boxes_are_not_painted_as_masks(name: str, tmp_path: Path) -> None:
    """A rectangle is no mask of what is in it; the report says what to do."""
    report, found = reported(BOXES[name][0](SCENES), "segmentation", tmp_path)
    assert report.status == "invalid"
    assert "--task detection" in (found["no_masks"].fix or "")
