"""Every layout of masks and boxes becomes the same pack, which the trainer reads back exactly."""

import dataclasses
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.pack.manifest import PackManifest, Split
from contract.tasks import TaskName
from tests.data import layouts, scenes
from tests.data.layouts import Files
from tests.data.scenes import LETTERS, Scene
from tests.ingest.archives import tarred, zipped
from tests.ingest.packs import check_pack, run_ingest
from trainer.data.pack import Pack, open_pack

SCENES = scenes.draw(24, seed=1, size=(80, 72))
BY_NAME = {scene.name: scene for scene in SCENES}
NAMED = ["background", *LETTERS]
NUMBERED = [f"class_{number}" for number in range(5)]


def polygons(drawn: list[Scene]) -> Files:
    """COCO with each letter's box as a polygon, which a mask of boxes must match."""
    files = layouts.coco(drawn)
    stated = json.loads(files["instances.json"])
    for annotation in stated["annotations"]:
        x, y, width, height = annotation["bbox"]
        annotation["segmentation"] = [[x, y, x + width, y, x + width, y + height, x, y + height]]
    return files | {"instances.json": json.dumps(stated).encode()}


def boxed(scene: Scene) -> Scene:
    """With the boxes as its mask, the smaller on top of the larger."""
    mask = np.zeros_like(scene.mask)
    areas = (scene.boxes[:, 2] - scene.boxes[:, 0]) * (scene.boxes[:, 3] - scene.boxes[:, 1])
    for at in np.argsort(-areas, kind="stable"):
        x1, y1, x2, y2 = scene.boxes[at].astype(int)
        mask[y1:y2, x1:x2] = scene.labels[at] + 1
    return dataclasses.replace(scene, mask=mask)


def labelmap() -> bytes:
    return (
        b"# label:color_rgb:parts:actions\n"
        + "".join(f"{name}:{at},{2 * at},255::\n" for at, name in enumerate(NAMED)).encode()
    )


def coloured(drawn: list[Scene]) -> Files:
    """Masks of the labelmap's colours, as CVAT writes them."""
    files = layouts.voc_masks(drawn) | {"labelmap.txt": labelmap()}
    for scene in drawn:
        pixels = np.stack([scene.mask, 2 * scene.mask, np.full_like(scene.mask, 255)], axis=-1)
        files[f"VOC/SegmentationClass/{scene.name}.png"] = layouts.mask_png(pixels)
    return files


def kaggle(drawn: list[Scene]) -> Files:
    files = layouts.masks(drawn)
    return {
        name.replace("images/", "train_images/").replace("masks/", "train_masks/").replace(".png", "_mask.png")
        if "masks/" in name
        else name.replace("images/", "train_images/"): content
        for name, content in files.items()
    }


SEGMENTATION: dict[str, tuple[Callable[[list[Scene]], Files], str, list[str]]] = {
    "masks": (layouts.masks, "masks", NAMED),
    "masks_of_another_name": (kaggle, "masks", NAMED),
    "voc": (layouts.voc_masks, "voc", NUMBERED),
    "voc_in_colours": (coloured, "voc", NAMED),
    "coco": (layouts.coco, "coco", NAMED),
    "coco_uncompressed": (lambda drawn: layouts.coco(drawn, compressed=False), "coco", NAMED),
}
DETECTION: dict[str, tuple[Callable[[list[Scene]], Files], str]] = {
    "coco": (layouts.coco, "coco"),
    "coco_polygons": (polygons, "coco"),
    "voc": (layouts.voc_boxes, "voc"),
    "yolo": (layouts.yolo, "yolo"),
}


def ingested(
    files: Files, task: TaskName, folder: Path, pack: Callable[[Files], bytes] = zipped
) -> tuple[Pack, PackManifest]:
    result = run_ingest(pack(files), folder, task=task)
    assert result.manifest is not None, result.report.findings
    check_pack(folder / "out")
    return open_pack(folder / "out"), result.manifest


def mask_of(pack: Pack, row: int) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(pack.table.column("mask")[row].as_py())))


def boxes_of(pack: Pack, row: int) -> tuple[np.ndarray, np.ndarray]:
    boxes, labels = (pack.table.column(name)[row].as_py() for name in ("boxes", "box_labels"))
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, np.int64)


def scene_of(pack: Pack, row: int) -> Scene:
    return BY_NAME[Path(pack.table.column("path")[row].as_py()).stem]


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", SEGMENTATION)
def test_masks_arrive_pixel_by_pixel(name: str, pack: Callable[[Files], bytes], tmp_path: Path) -> None:
    build, layout, classes = SEGMENTATION[name]
    opened, manifest = ingested(build(SCENES), "segmentation", tmp_path, pack)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (manifest.task, manifest.samples, report["layout"], manifest.classes) == (
        "segmentation", len(SCENES), layout, classes,
    )  # fmt: skip
    for row in range(len(SCENES)):
        scene = scene_of(opened, row)
        np.testing.assert_array_equal(mask_of(opened, row), scene.mask)
        assert opened.table.column("classes")[row].as_py() == np.unique(scene.mask).tolist()


def test_polygons_are_painted(tmp_path: Path) -> None:
    opened, _ = ingested(polygons(SCENES), "segmentation", tmp_path)
    for row in range(len(SCENES)):
        np.testing.assert_array_equal(mask_of(opened, row), boxed(scene_of(opened, row)).mask)


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", DETECTION)
def test_boxes_arrive_in_pixels(name: str, pack: Callable[[Files], bytes], tmp_path: Path) -> None:
    build, layout = DETECTION[name]
    opened, manifest = ingested(build(SCENES), "detection", tmp_path, pack)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (manifest.task, manifest.samples, report["layout"], manifest.classes) == (
        "detection", len(SCENES), layout, list(LETTERS),
    )  # fmt: skip
    for row in range(len(SCENES)):
        boxes, labels = boxes_of(opened, row)
        np.testing.assert_allclose(boxes, scene_of(opened, row).boxes, atol=1e-4)
        np.testing.assert_array_equal(labels, scene_of(opened, row).labels)


def test_counts_are_pixels_or_boxes_and_the_report_has_them_too(tmp_path: Path) -> None:
    for task, build in (("segmentation", layouts.masks), ("detection", layouts.coco)):
        opened, manifest = ingested(build(SCENES), task, tmp_path)
        amounts = json.loads((tmp_path / "out" / "report.json").read_text())["amounts"]
        assert amounts == manifest.counts
        for split in Split:
            held = [scene_of(opened, int(row)) for row in opened.rows(split)]
            assert manifest.split_size(split.name.lower()) == len(held)
            for number, name in enumerate(manifest.classes):
                pixels = sum(int((scene.mask == number).sum()) for scene in held)
                boxes = sum(int((scene.labels == number).sum()) for scene in held)
                assert manifest.counts[split.name.lower()][name] == (pixels if task == "segmentation" else boxes)


def test_equal_archives_become_equal_packs_whatever_they_came_in(tmp_path: Path) -> None:
    digests = set()
    for build in (layouts.coco, layouts.voc_boxes):
        digests.add(ingested(build(SCENES), "detection", tmp_path)[1].digest)
    other = [dataclasses.replace(scene, boxes=scene.boxes + np.float32(0.5)) for scene in SCENES]
    digests.add(ingested(layouts.coco(other), "detection", tmp_path)[1].digest)
    assert len(digests) == 2


@pytest.mark.parametrize("task", ["segmentation", "detection"])
def test_folders_of_splits_are_kept(task: TaskName, tmp_path: Path) -> None:
    build = layouts.masks if task == "segmentation" else layouts.yolo
    files = build(SCENES[:14], split="train") | build(SCENES[14:19], split="val") | build(SCENES[19:], split="test")
    opened, manifest = ingested(files, task, tmp_path)
    assert manifest.images == {"train": 14, "val": 5, "test": 5}
    assert {scene_of(opened, int(row)).name for row in opened.rows(Split.VAL)} == {s.name for s in SCENES[14:19]}


def test_coco_files_of_splits_share_their_classes(tmp_path: Path) -> None:
    train, val = layouts.coco(SCENES[:16], split="train"), layouts.coco(SCENES[16:], LETTERS[::-1], split="val")
    files = {}
    for name, content in (train | val).items():
        files[re.sub(r"(\w+)/instances", r"annotations/instances_\g<1>2017", name)] = content
    opened, manifest = ingested(files, "detection", tmp_path)
    assert (manifest.classes, manifest.images) == (list(LETTERS), {"train": 16, "val": 8, "test": 0})
    for row in opened.rows(Split.VAL).tolist():
        _, labels = boxes_of(opened, row)
        np.testing.assert_array_equal(labels, 3 - scene_of(opened, row).labels)


def test_image_sets_say_splits_and_what_counts(tmp_path: Path) -> None:
    """Images beyond the sets, which have no mask, are left aside and are no fault."""
    files = {name: content for name, content in layouts.voc_masks(SCENES).items() if "JPEGImages" in name}
    files |= layouts.voc_masks(SCENES[:20], val=6)
    _, manifest = ingested(files, "segmentation", tmp_path)
    assert manifest.images == {"train": 14, "val": 6, "test": 0}


def test_images_without_objects_are_kept_and_have_no_label(tmp_path: Path) -> None:
    bare = [dataclasses.replace(scene, boxes=scene.boxes[:0], labels=scene.labels[:0]) for scene in SCENES[:6]]
    for build in (layouts.coco, layouts.voc_boxes, layouts.yolo):
        opened, manifest = ingested(build([*bare, *SCENES[6:]]), "detection", tmp_path)
        assert manifest.samples == len(SCENES)
        assert int((opened.labels == -1).sum()) == 6
        shown = [len(boxes_of(opened, row)[1]) for row in np.flatnonzero(opened.labels == -1).tolist()]
        assert shown == [0] * 6


def test_pairability_counts_images_that_share_a_class(tmp_path: Path) -> None:
    """One class stands in a single image, which shows nothing else."""
    rare = dataclasses.replace(SCENES[0], boxes=SCENES[0].boxes[:1], labels=np.array([3]))
    others = [dataclasses.replace(scene, labels=scene.labels % 3) for scene in SCENES[1:]]
    files = layouts.coco([rare, *others[:15]], split="train") | layouts.coco(others[15:], split="val")
    _, manifest = ingested(files, "detection", tmp_path)
    assert manifest.pairability.unpairable_classes == [LETTERS[3]]
    assert manifest.pairability.share == 15 / 16


def test_background_makes_no_pairs(tmp_path: Path) -> None:
    """Every image has background; only an object's class counts."""
    one = dataclasses.replace(SCENES[0], mask=(SCENES[0].mask > 0).astype(np.uint8) * 4)
    rest = [dataclasses.replace(scene, mask=(scene.mask > 0).astype(np.uint8)) for scene in SCENES[1:]]
    files = layouts.masks([one, *rest[:15]], split="train") | layouts.masks(rest[15:], split="val")
    _, manifest = ingested(files, "segmentation", tmp_path)
    assert manifest.pairability.unpairable_classes == ["G", "K", "S"]
    assert manifest.pairability.share == 15 / 16
