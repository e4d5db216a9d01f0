"""Where masks lie beside their images, in the trees that people publish."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.specs.reading import ReadingSpec
from tests.ingest.layouts.annotated.builders import Files, box_of, pictures, save, values, voc_page
from tests.ingest.layouts.annotated.reading import boxes_by_image, masks_by_image, reported

NUMBERS = range(24)


def gif(mask: np.ndarray) -> bytes:
    return save(Image.fromarray(mask), "GIF")


# Where picture n and its mask lie.
TREES: dict[str, Callable[[int], tuple[str, str]]] = {
    "plain": lambda n: (f"images/{n:02}.png", f"masks/{n:02}.png"),
    "top_folder_of_role": lambda n: (f"road masks/images/{n:02}.png", f"road masks/masks/{n:02}.png"),
    "top_folder_of_images": lambda n: (f"satellite images/images/{n:02}.png", f"satellite images/masks/{n:02}.png"),
    "top_folder_and_segmentation": lambda n: (f"a-segmentation/images/{n:02}.png", f"a-segmentation/masks/{n:02}.png"),
    "gt_on_top": lambda n: (f"gt/images/{n:02}.png", f"gt/masks/{n:02}.png"),
    "penn_fudan": lambda n: (f"PennFudanPed/PNGImages/Ped{n:05}.png", f"PennFudanPed/PedMasks/Ped{n:05}_mask.png"),
    "ground_truth": lambda n: (f"Original/{n:02}.png", f"Ground_Truth/{n:02}.png"),
    "ground_truth_words": lambda n: (f"set/Original Images/{n:02}.png", f"set/Ground Truth/{n:02}.png"),
    "groundtruth": lambda n: (f"test/input/{n:02}.png", f"test/GroundTruth/{n:02}.png"),
    "drive": lambda n: (f"training/images/{n}_training.tif", f"training/1st_manual/{n}_manual1.gif"),
    "camvid": lambda n: (f"CamVid/train/{n:02}.png", f"CamVid/trainannot/{n:02}.png"),
    "camvid_kaggle": lambda n: (f"CamVid/train/{n:02}.png", f"CamVid/train_labels/{n:02}_L.png"),
    "cityscapes": lambda n: (
        f"leftImg8bit/train/ulm/ulm_{n:06}_leftImg8bit.png", f"gtFine/train/ulm/ulm_{n:06}_gtFine_labelIds.png",
    ),
    "deepglobe": lambda n: (f"train/{n}_sat.jpg", f"train/{n}_mask.png"),
    "ade": lambda n: (f"images/training/{n:02}.jpg", f"annotations/training/{n:02}.png"),
    "kaggle": lambda n: (f"train_images/{n:02}.jpg", f"train_masks/{n:02}.png"),
    "splits_inside": lambda n: (f"images/train/{n:02}.jpg", f"masks/train/{n:02}.png"),
    "splits_around": lambda n: (f"train/images/{n:02}.jpg", f"train/masks/{n:02}.png"),
    "one_stem": lambda n: (f"data/{n:02}.jpg", f"data/{n:02}.png"),
    "one_stem_on_top": lambda n: (f"{n:02}.jpg", f"{n:02}.png"),
    "named_mask": lambda n: (f"data/{n:02}.png", f"data/{n:02}_mask.png"),
    "named_both": lambda n: (f"data/{n:02}_image.png", f"data/{n:02}_label.png"),
    "named_by_whole_file": lambda n: (f"images/{n:02}.jpg", f"masks/{n:02}.jpg.png"),
    "scenes_with_equal_numbers": lambda n: (f"images/s{n % 2}/{n // 2:02}.png", f"masks/s{n % 2}/{n // 2:02}.png"),
    "roles_inside_scenes": lambda n: (f"s{n % 2}/images/{n // 2:02}.png", f"s{n % 2}/masks/{n // 2:02}.png"),
    "isic": lambda n: (
        f"ISIC-2017_Training_Data/ISIC_{n:07}.jpg",
        f"ISIC-2017_Training_Part1_GroundTruth/ISIC_{n:07}_segmentation.png",
    ),
    "oxford_pets": lambda n: (f"images/cat_{n}.jpg", f"annotations/trimaps/cat_{n}.png"),
    "roboflow": lambda n: (f"train/{n}_jpg.rf.a{n}b.jpg", f"train/{n}_jpg.rf.a{n}b_mask.png"),
    "camvid_of_cvat": lambda n: (f"default/{n:02}.png", f"defaultannot/{n:02}.png"),
    "cityscapes_of_cvat": lambda n: (
        f"imgsFine/leftImg8bit/default/{n:02}_leftImg8bit.png", f"gtFine/default/{n:02}_gtFine_labelIds.png",
    ),
    "voc": lambda n: (f"VOC2012/JPEGImages/{n:02}.jpg", f"VOC2012/SegmentationClass/{n:02}.png"),
}  # fmt: skip


def tree(name: str) -> tuple[Files, dict[str, np.ndarray]]:
    places = {n: TREES[name](n) for n in NUMBERS}
    files: Files = {}
    for n, (picture, mask) in places.items():
        made = pictures([picture])[picture] if not picture.endswith(".tif") else b""
        files[picture] = made
        files[mask] = gif(values(n)) if mask.endswith(".gif") else save(values(n))
    fresh = pictures(p.replace(".tif", ".png") for p, _ in places.values())
    for picture, content in zip((p for p, _ in places.values()), fresh.values(), strict=True):
        files[picture] = content
    return files, {picture: values(n) for n, (picture, _) in places.items()}


@pytest.mark.parametrize("name", TREES)
def test_every_picture_gets_its_own_mask(name: str, tmp_path: Path) -> None:
    files, expected = tree(name)
    found, classes = masks_by_image(files | {"classes.txt": b"background\ncrack\nrust"}, tmp_path)
    assert classes == ["background", "crack", "rust"]
    assert found.keys() == expected.keys()
    for path, mask in expected.items():
        np.testing.assert_array_equal(found[path], mask)


NAMED = {"classes.txt": b"background\ncrack\nrust"}


def test_a_second_folder_of_masks_is_named_and_a_person_can_choose_it(tmp_path: Path) -> None:
    files, expected = tree("drive")
    files |= {f"training/mask/{n}_training_mask.gif": gif(values(n, (2, 0))) for n in NUMBERS} | NAMED
    found, _ = masks_by_image(files, tmp_path)
    for path, mask in expected.items():
        np.testing.assert_array_equal(found[path], mask)
    told = reported(files, "segmentation", tmp_path)[1]["masks_chosen"]
    assert ("'mask'" in told.message, "--masks" in (told.fix or "")) == (True, True)
    other, _ = masks_by_image(files, tmp_path, reading=ReadingSpec(masks="training/mask"))
    np.testing.assert_array_equal(other["training/images/3_training.tif"], values(3, (2, 0)))


def test_two_folders_of_masks_of_equal_right_are_not_guessed(tmp_path: Path) -> None:
    files, _ = tree("plain")
    files |= {f"labels/{n:02}.png": save(values(n, (0, 2, 1))) for n in NUMBERS} | NAMED
    report, found = reported(files, "segmentation", tmp_path)
    assert (report.status, "--masks" in (found["masks_ambiguous"].fix or "")) == ("invalid", True)
    masks, _ = masks_by_image(files, tmp_path, reading=ReadingSpec(masks="labels"))
    np.testing.assert_array_equal(masks["images/02.png"], values(2, (0, 2, 1)))


def test_colours_and_instances_beside_the_masks_are_left_aside(tmp_path: Path) -> None:
    files, expected = tree("cityscapes")
    for n in NUMBERS:
        place = f"gtFine/train/ulm/ulm_{n:06}_gtFine"
        files[f"{place}_color.png"] = save(np.stack([values(n, (9, 80, 7))] * 2 + [values(n)], axis=-1))
        files[f"{place}_instanceIds.png"] = save(values(n, (0, 5, 9)))
    found, _ = masks_by_image(files | NAMED, tmp_path)
    for path, mask in expected.items():
        np.testing.assert_array_equal(found[path], mask)
    assert "48 pictures" in reported(files | NAMED, "segmentation", tmp_path)[1]["masks_unused"].message


def test_a_mask_of_another_scene_is_not_taken(tmp_path: Path) -> None:
    files = pictures(f"images/s2/{n:02}.png" for n in NUMBERS) | NAMED
    files |= {f"masks/s1/{n:02}.png": save(values(n)) for n in NUMBERS}
    assert reported(files, "segmentation", tmp_path)[0].status == "invalid"


def test_two_masks_of_one_picture_are_named(tmp_path: Path) -> None:
    files = pictures(f"images/{n:02}.png" for n in range(40)) | NAMED
    files |= {f"masks/{n:02}.png": save(values(n)) for n in range(40)} | {"masks/00.bmp": save(values(1), "BMP")}
    report, found = reported(files, "segmentation", tmp_path)
    assert (report.accepted, "masks/00.bmp" in found["image_ambiguous"].message) == (39, True)


def test_voc_trees_with_masks_are_read_for_boxes_too(tmp_path: Path) -> None:
    """As VOC2012 itself: masks of a few images, in folders beside."""
    files = pictures(f"VOC2012/JPEGImages/{n:02}.jpg" for n in NUMBERS)
    for n in NUMBERS:
        files[f"VOC2012/Annotations/{n:02}.xml"] = voc_page([box_of(n)], f"{n:02}.jpg", folder="VOC")
        if n % 3 == 0:
            files[f"VOC2012/SegmentationClass/{n:02}.png"] = save(values(n))
            files[f"VOC2012/SegmentationObject/{n:02}.png"] = save(values(n))
    lists = {"train": range(14), "val": range(14, 24), "trainval": range(24)}
    files |= {f"VOC2012/ImageSets/Main/{k}.txt": "\n".join(f"{n:02}" for n in v).encode() for k, v in lists.items()}
    files["VOC2012/ImageSets/Main/a_train.txt"] = b"00  1\n01 -1\n"
    got = boxes_by_image(files, tmp_path)
    assert len(got) == 24
    report, found = reported(files, "detection", tmp_path)
    assert (report.splits, "split_contested" in found) == ({"train": 14, "val": 10, "test": 0}, False)


def test_masks_for_detection_are_refused_with_the_task_to_ask_for(tmp_path: Path) -> None:
    files, _ = tree("plain")
    found = reported(files | NAMED, "detection", tmp_path)[1]["no_annotations"]
    assert "--task segmentation" in (found.fix or "")


def test_images_without_masks_can_be_background(tmp_path: Path) -> None:
    files, _ = tree("plain")
    for n in range(12):
        del files[f"masks/{n:02}.png"]
    assert reported(files | NAMED, "segmentation", tmp_path)[0].status == "invalid"
    found, _ = masks_by_image(files | NAMED, tmp_path, reading=ReadingSpec(unlabelled="background"))
    assert (len(found), int(found["images/03.png"].max())) == (24, 0)
    assert len(masks_by_image(files | NAMED, tmp_path, reading=ReadingSpec(unlabelled="skip"))[0]) == 12


def test_lists_of_images_and_masks_say_the_splits(tmp_path: Path) -> None:
    """SegNet's: each line names an image and its mask by paths of another machine."""
    files, _ = tree("camvid")
    for name, listed in (("train", range(16)), ("test", range(16, 24))):
        lines = [f"/SegNet/CamVid/train/{n:02}.png /SegNet/CamVid/trainannot/{n:02}.png" for n in listed]
        files[f"CamVid/{name}.txt"] = "\n".join(lines).encode()
    report, _ = reported(files | NAMED, "segmentation", tmp_path)
    assert report.splits["test"] == 8


def test_roboflows_table_names_the_values(tmp_path: Path) -> None:
    files, _ = tree("roboflow")
    named = {"train/_classes.csv": b"Pixel Value, Class\n0, background\n1, crack\n2, rust\n"}
    assert masks_by_image(files | named, tmp_path)[1] == ["background", "crack", "rust"]


def test_superviselys_pictures_of_masks_are_no_pictures(tmp_path: Path) -> None:
    stated = {"size": {"height": 48, "width": 48}, "objects": []}
    box = {"classTitle": "a", "geometryType": "rectangle", "points": {"exterior": [[1, 2], [9, 9]], "interior": []}}
    files = pictures(f"p/ds/img/{n:02}.png" for n in NUMBERS)
    files |= {f"p/ds/ann/{n:02}.png.json": json.dumps(stated | {"objects": [box]}).encode() for n in NUMBERS}
    for folder in ("masks_machine", "masks_human"):
        files |= {f"p/ds/{folder}/{n:02}.png": save(values(n)) for n in NUMBERS}
    got = boxes_by_image(files, tmp_path)
    assert got == {f"p/ds/img/{n:02}.png": [("a", 1.0, 2.0, 9.0, 9.0)] for n in NUMBERS}
    assert "48 pictures" in reported(files, "detection", tmp_path)[1]["masks_unused"].message
