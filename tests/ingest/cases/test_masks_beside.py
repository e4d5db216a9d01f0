"""Sets of images with masks beside them, pushed for classification or for segmentation."""

from pathlib import Path

import numpy as np
import pytest

from contract.specs.reading import ReadingSpec
from tests.ingest.archives import zipped
from tests.ingest.layouts.annotated.builders import Files, pictures, save, values
from tests.ingest.layouts.annotated.mask_sets import NUMBERS, masks
from tests.ingest.layouts.annotated.reading import masks_by_image, reported
from tests.ingest.packs import run_ingest

CLASSES = ("benign", "malignant")


def drawn(number: int, levels: tuple[int, ...] = (0, 255)) -> bytes:
    return save(values(number, levels))


def set_of(photo: str, mask: str) -> Files:
    """12 images of each class, each with a mask beside it; the names are patterns of class and number."""
    every = [(name, number) for name in CLASSES for number in range(12)]
    photos = pictures(photo.format(c=name, n=number) for name, number in every)
    return photos | {mask.format(c=name, n=number): drawn(number) for name, number in every}


@pytest.mark.parametrize(
    ("photo", "mask"),
    [
        ("set/{c}/{c} ({n}).png", "set/{c}/{c} ({n})_mask.png"),
        ("set/{c}/scan_{n}.tif", "set/{c}/scan_{n}_segmentation.tif"),
        ("MT_{c}/Imgs/exp_{n}.jpg", "MT_{c}/Imgs/exp_{n}.png"),
        ("{c}/{n}.bmp", "{c}/{n}.png"),
    ],
)
def test_masks_beside_the_images_are_no_images_of_a_class(photo: str, mask: str, tmp_path: Path) -> None:
    report, found = reported(set_of(photo, mask), "classification", tmp_path)
    assert (report.accepted, report.classes) == (24, 2)
    assert "--task segmentation" in (found["masks_left_out"].fix or "")


def test_a_second_mask_of_an_image_is_no_image_either(tmp_path: Path) -> None:
    files = set_of("{c}/{n}.png", "{c}/{n}_mask.png") | {"benign/3_mask_1.png": drawn(40)}
    assert reported(files, "classification", tmp_path)[0].accepted == 24


def test_photographs_of_one_name_in_two_formats_are_images(tmp_path: Path) -> None:
    files = pictures(f"{name}/{n}.{suffix}" for name in CLASSES for n in range(12) for suffix in ("jpg", "png"))
    report, found = reported(files, "classification", tmp_path)
    assert (report.accepted, "masks_left_out" in found) == (48, False)


def test_of_two_lossless_pictures_the_one_of_few_colours_is_the_mask(tmp_path: Path) -> None:
    files = set_of("{c}/{n}.bmp", "{c}/{n}.png")
    found, classes = masks_by_image(files, tmp_path)
    assert classes == ["background", "foreground"]
    np.testing.assert_array_equal(found["benign/3.bmp"], values(3, (0, 1)))


def speckled(number: int, levels: tuple[int, ...] = (0, 120, 240)) -> bytes:
    """Three levels, and a few pixels between them."""
    mask = np.array(values(number, levels))
    mask[0, :3] = (37, 61, 77)
    return save(mask)


def test_few_pixels_between_levels_are_no_classes(tmp_path: Path) -> None:
    files = masks(lambda n: speckled(n) if n == 5 else drawn(n, (0, 120, 240)))
    report, found = reported(files, "segmentation", tmp_path)
    assert (report.accepted, report.classes) == (len(NUMBERS) - 1, 3)
    assert "37, 61, 77" in found["mask_values_stray"].message
    assert found["class_out_of_range"].path == "images/05.png"


def test_few_pixels_between_levels_of_many_masks_are_refused(tmp_path: Path) -> None:
    report, found = reported(masks(speckled), "segmentation", tmp_path)
    assert (report.status, "without smoothing" in (found["masks_unclear"].fix or "")) == ("invalid", True)


def test_stray_values_are_no_classes_once_a_level_is_mapped(tmp_path: Path) -> None:
    files = masks(lambda n: (speckled if n == 5 else drawn)(n, (0, 128, 255)))
    result = run_ingest(zipped(files), tmp_path, task="segmentation", reading=ReadingSpec(map={"255": "2"}))
    assert result.manifest is not None
    assert result.manifest.classes == ["background", "class_2", "class_128"]


def halves(number: int) -> tuple[np.ndarray, np.ndarray]:
    """The left and the right half of a mask's object."""
    whole = np.array(values(number, (0, 255)))
    left, right = whole.copy(), whole.copy()
    middle = whole.shape[1] // 2
    left[:, middle:], right[:, :middle] = 0, 0
    return left, right


def union_of(photo: str, parts: tuple[str, str], tmp_path: Path) -> None:
    names = [photo.format(n=n) for n in NUMBERS]
    files = pictures(names)
    for n in NUMBERS:
        files |= {part.format(n=n): save(half) for part, half in zip(parts, halves(n), strict=True)}
    found, classes = masks_by_image(files, tmp_path)
    assert classes == ["background", "foreground"]
    for n, name in enumerate(names):
        np.testing.assert_array_equal(found[name], values(n, (0, 1)))
    report, findings = reported(files, "segmentation", tmp_path)
    assert (report.skipped, parts[0].format(n=0) in findings["masks_joined"].message) == (0, True)


@pytest.mark.parametrize(
    ("photo", "parts"),
    [
        ("d/{n:02}.png", ("d/{n:02}_mask.png", "d/{n:02}_mask_1.png")),  # BUSI
        ("d/a ({n}).png", ("d/a ({n})_mask.png", "d/a ({n})_mask_2.png")),
        ("images/{n}.png", ("masks/{n}_mask_1.png", "masks/{n}_mask_2.png")),
        ("t/{n}/images/i{n}.png", ("t/{n}/masks/x{n}.png", "t/{n}/masks/y{n}.png")),  # nuclei
    ],
)
def test_several_masks_of_one_image_are_read_as_one(photo: str, parts: tuple[str, str], tmp_path: Path) -> None:
    union_of(photo, parts, tmp_path)


def test_classes_that_contradict_each_other_in_two_masks_are_ignored(tmp_path: Path) -> None:
    other = {f"masks/{n:02}_mask_1.png": save(values(n, (0, 2))) for n in NUMBERS}
    files = {name.replace(".png", "_mask.png") if "masks/" in name else name: content
             for name, content in masks(lambda n: save(values(n, (0, 1)))).items()} | other  # fmt: skip
    found, _ = masks_by_image(files | {"classes.txt": b"background\na\nb"}, tmp_path)
    np.testing.assert_array_equal(found["images/00.png"], values(0, (0, 255)))


@pytest.mark.parametrize(
    ("photo", "mask"),
    [
        ("images/img_{n}.png", "masks/mask_{n}.png"),
        ("case{n}/image.png", "case{n}/mask.png"),
        ("test/kind{h}/{m:03}.png", "ground_truth/kind{h}/{m:03}_mask.png"),
    ],
)
def test_masks_that_are_matched_loosely_are_right_and_said(photo: str, mask: str, tmp_path: Path) -> None:
    photos, drawings = ([name.format(n=n, h=n % 2, m=n // 2) for n in range(24)] for name in (photo, mask))
    files = pictures(photos) | {name: drawn(n) for n, name in enumerate(drawings)}
    found, _ = masks_by_image(files, tmp_path)
    for n, name in enumerate(photos):
        np.testing.assert_array_equal(found[name], values(n, (0, 1)))
    assert drawings[0] in reported(files, "segmentation", tmp_path)[1]["masks_matched_loosely"].message


@pytest.mark.parametrize(
    ("photo", "mask"),
    [("images/img_{}.png", "masks/mask_{}0.png"), ("a/images/{}.png", "b/masks/{}.png")],
)
def test_masks_of_other_images_are_given_to_none(photo: str, mask: str, tmp_path: Path) -> None:
    files = pictures(photo.format(n) for n in range(11, 20)) | {mask.format(n): drawn(n) for n in range(11, 20)}
    report, found = reported(files, "segmentation", tmp_path)
    assert (report.status, "masks_of_no_image" in found) == ("invalid", True)


def test_pictures_outside_of_images_and_masks_are_named(tmp_path: Path) -> None:
    files = masks(drawn) | pictures(f"test/{n}.png" for n in range(6))
    report, found = reported(files, "segmentation", tmp_path)
    assert (report.accepted, report.skipped) == (len(NUMBERS), 6)
    assert found["pictures_outside"].path == "test/0.png"


def test_a_void_that_covers_most_pixels_is_a_class_unless_it_is_dropped(tmp_path: Path) -> None:
    """Its other name is background."""
    files = masks(lambda n: drawn(n, (0, 0, 0, 1, 2))) | {"classes.txt": b"void\ncar\nbus"}
    report, found = reported(files, "segmentation", tmp_path)
    assert (report.classes, "--drop void" in (found["class_not_ignored"].fix or "")) == (3, True)
    assert reported(files, "segmentation", tmp_path, reading=ReadingSpec(drop=("void",)))[0].classes == 2
