"""Photographs that lie on their side, with boxes and masks drawn before or after they were turned."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.images.images import TURNS
from tests.ingest.archives import encode, pixels
from tests.ingest.layouts.annotated.builders import Files
from tests.ingest.layouts.annotated.reading import boxes_by_image, masks_by_image, reported

WIDTH, HEIGHT = 40, 32
SPOT = (5, 3, 17, 9)  # in the stored picture
NUMBERS = range(12)


def stored_mask() -> Image.Image:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[SPOT[1] : SPOT[3], SPOT[0] : SPOT[2]] = 1
    return Image.fromarray(mask)


def upright_mask(orientation: int) -> np.ndarray:
    return np.asarray(stored_mask().transpose(TURNS[orientation]))


def photographs(orientation: int) -> Files:
    block = Image.Exif()
    block[0x0112] = orientation
    found = {}
    for number in NUMBERS:
        noise = Image.fromarray(pixels(number, side=WIDTH)[:HEIGHT])
        found[f"images/{number}.jpg"] = encode(noise, "JPEG", exif=block)
    return found


def boxes(size: tuple[int, int]) -> Files:
    images = [{"id": number, "file_name": f"{number}.jpg", "width": size[0], "height": size[1]} for number in NUMBERS]
    x1, y1, x2, y2 = SPOT
    drawn = [{"id": n, "image_id": n, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1]} for n in NUMBERS]
    stated = {"images": images, "annotations": drawn, "categories": [{"id": 1, "name": "spot"}]}
    return {"instances.json": json.dumps(stated).encode()}


def bounds(mask: np.ndarray) -> tuple[float, ...]:
    down, across = np.nonzero(mask)
    return float(across.min()), float(down.min()), float(across.max() + 1), float(down.max() + 1)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_of_the_stored_picture_are_turned_along(orientation: int, tmp_path: Path) -> None:
    files = photographs(orientation) | boxes((WIDTH, HEIGHT))
    found = boxes_by_image(files, tmp_path)
    assert {tuple(each) for drawn in found.values() for each in drawn} == {("spot", *bounds(upright_mask(orientation)))}
    assert "marks_turned" in reported(files, "detection", tmp_path)[1]


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_masks_of_the_stored_picture_are_turned_along(orientation: int, tmp_path: Path) -> None:
    files = photographs(orientation) | {f"masks/{n}.png": encode(stored_mask()) for n in NUMBERS}
    found, _ = masks_by_image(files, tmp_path)
    np.testing.assert_array_equal(found["images/3.jpg"], upright_mask(orientation))


def test_boxes_of_the_upright_picture_stay_and_nothing_is_in_doubt(tmp_path: Path) -> None:
    files = photographs(6) | boxes((HEIGHT, WIDTH))
    assert boxes_by_image(files, tmp_path)["images/3.jpg"] == [("spot", *map(float, SPOT))]
    assert not {"marks_turned", "marks_of_turned_image"} & reported(files, "detection", tmp_path)[1].keys()


def test_what_no_size_decides_is_in_doubt(tmp_path: Path) -> None:
    lines = {f"labels/{n}.txt": b"0 0.3 0.3 0.2 0.2" for n in NUMBERS}
    _, found = reported(photographs(6) | lines, "detection", tmp_path)
    assert "exiftool" in (found["marks_of_turned_image"].fix or "")


def test_half_a_turn_leaves_the_size_and_is_in_doubt(tmp_path: Path) -> None:
    files = photographs(3) | {f"masks/{n}.png": encode(stored_mask()) for n in NUMBERS}
    assert "marks_of_turned_image" in reported(files, "segmentation", tmp_path)[1]
