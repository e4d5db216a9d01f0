"""Masks of gray: what their values mean is decided for the set, and said."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.pack.manifest import IGNORE
from contract.specs.reading import ReadingSpec
from tests.ingest.layouts.annotated.builders import SIDE, Files, save, values
from tests.ingest.layouts.annotated.mask_sets import NUMBERS, THREE, TWO, check, masks, plain
from tests.ingest.layouts.annotated.reading import masks_by_image, reported


@pytest.mark.parametrize("named", [{}, TWO, {"classes.txt": b"crack"}])
def test_black_and_white_is_background_and_object(named: Files, tmp_path: Path) -> None:
    title = "crack" if named else "foreground"
    check(masks(plain((0, 255))) | named, tmp_path, 2, ["background", title])
    message = reported(masks(plain((0, 255))) | named, "segmentation", tmp_path)[1]["masks_black_and_white"].message
    assert title in message
    assert "ignore" in message


def test_black_and_white_of_sixteen_bits_is_the_same(tmp_path: Path) -> None:
    files = masks(lambda n: save(Image.fromarray(values(n, (0, 1)).astype(np.uint16) * 65_535)))
    check(files, tmp_path, 2, ["background", "foreground"])
    assert "masks_unused" not in reported(files, "segmentation", tmp_path)[1]


def test_black_and_white_with_three_names_is_not_guessed(tmp_path: Path) -> None:
    files = masks(plain((0, 255))) | THREE
    report, found = reported(files, "segmentation", tmp_path)
    assert (report.status, "--map 255=1" in (found["masks_black_and_white"].fix or "")) == ("invalid", True)
    found_masks, classes = masks_by_image(files, tmp_path, reading=ReadingSpec(map={"255": "2"}))
    assert classes == ["background", "crack", "rust"]
    np.testing.assert_array_equal(found_masks["images/03.png"], values(3, (0, 2)))


def one_bit(n: int, levels: tuple[int, int] = (0, 255)) -> bytes:
    return save(Image.fromarray(values(n, levels)).convert("1"))


@pytest.mark.parametrize("named", [{}, TWO])
def test_one_bit_beside_eight_bits_is_the_same_object(named: Files, tmp_path: Path) -> None:
    files = masks(lambda n: one_bit(n) if n % 2 else save(values(n, (0, 255)))) | named
    check(files, tmp_path, 2, ["background", "crack" if named else "foreground"])


def test_one_bit_alone_is_a_class_number(tmp_path: Path) -> None:
    check(masks(one_bit) | TWO, tmp_path, 2, ["background", "crack"])


def test_one_bit_beside_class_numbers_is_the_class_one(tmp_path: Path) -> None:
    files = masks(lambda n: one_bit(n) if n % 2 else save(values(n, (0, 1)))) | TWO
    check(files, tmp_path, 2, ["background", "crack"])


@pytest.mark.parametrize("levels", [(0, 127, 254), (0, 128, 255), (0, 100, 200), (10, 120, 240)])
def test_levels_of_gray_are_classes_if_there_are_as_many_names(levels: tuple[int, ...], tmp_path: Path) -> None:
    check(masks(plain(levels)) | THREE, tmp_path, 3, ["background", "crack", "rust"])
    message = reported(masks(plain(levels)) | THREE, "segmentation", tmp_path)[1]["masks_of_levels"].message
    assert f"{levels[2]} as 'rust'" in message


def test_levels_without_names_are_called_by_their_values(tmp_path: Path) -> None:
    check(masks(plain((0, 127, 254))), tmp_path, 3, ["class_0", "class_127", "class_254"])


def test_an_even_level_of_255_without_names_is_not_guessed(tmp_path: Path) -> None:
    report, found = reported(masks(plain((0, 128, 255))), "segmentation", tmp_path)
    assert (report.status, "ignore" in found["masks_of_levels"].message) == ("invalid", True)


def test_values_with_gaps_make_no_phantom_classes(tmp_path: Path) -> None:
    check(masks(plain((0, 7, 11))), tmp_path, 3, ["class_0", "class_7", "class_11"])


def test_void_of_255_stays_void(tmp_path: Path) -> None:
    found, classes = masks_by_image(masks(plain((0, 1, 255))) | THREE, tmp_path)
    assert classes == ["background", "crack", "rust"]
    np.testing.assert_array_equal(found["images/05.png"], values(5, (0, 1, IGNORE)))


def gray_edges(n: int) -> bytes:
    large = Image.fromarray(values(n, (0, 255))).resize((4 * SIDE, 4 * SIDE), Image.Resampling.BICUBIC)
    return save(large.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def as_jpeg(n: int) -> bytes:
    return save(values(n, (0, 255)), "JPEG", quality=85)


@pytest.mark.parametrize("named", [{}, TWO])
@pytest.mark.parametrize("make", [gray_edges, as_jpeg])
def test_blurred_edges_are_cut_in_the_middle_and_that_is_said(
    make: Callable[[int], bytes], named: Files, tmp_path: Path
) -> None:
    files = masks(make) | named
    found, classes = masks_by_image(files, tmp_path)
    assert classes == ["background", "crack" if named else "foreground"]
    wrong = sum(int((found[f"images/{n:02}.png"] != values(n, (0, 1))).sum()) for n in NUMBERS)
    assert wrong <= 0.004 * 24 * SIDE * SIDE
    assert reported(files, "segmentation", tmp_path)[1]["masks_blurred"].severity == "warning"


def test_blurred_masks_of_three_classes_are_refused(tmp_path: Path) -> None:
    files = masks(lambda n: save(values(n, (0, 120, 240)), "JPEG", quality=60)) | THREE
    assert reported(files, "segmentation", tmp_path)[0].status == "invalid"


def test_a_class_called_void_is_ignored_and_said_and_can_be_kept(tmp_path: Path) -> None:
    named = {"classes.txt": b"background\nvoid\nrust"}
    found, classes = masks_by_image(masks(plain()) | named, tmp_path)
    assert classes == ["background", "rust"]
    expected = np.array([0, IGNORE, 1], np.uint8)[values(4)]
    np.testing.assert_array_equal(found["images/04.png"], expected)
    fix = reported(masks(plain()) | named, "segmentation", tmp_path)[1]["class_ignored"].fix or ""
    assert "--map void=other" in fix
    kept = ReadingSpec(map={"void": "other"})
    check(masks(plain()) | named, tmp_path, 3, ["background", "other", "rust"], reading=kept)


def objects(n: int) -> np.ndarray:
    """Numbers of objects, 1 to as many as 5."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for number in range(1, 2 + n % 5):
        mask[4 : 4 + 3 * number, 8 * number - 6 : 8 * number] = number
    return mask


def test_numbers_of_objects_are_no_classes(tmp_path: Path) -> None:
    files = masks(lambda n: save(objects(n)))
    report, found = reported(files, "segmentation", tmp_path)
    assert (report.status, "--instances-as" in (found["masks_of_instances"].fix or "")) == ("invalid", True)
    report, found = reported(files | TWO, "segmentation", tmp_path)
    assert (report.status, "--instances-as" in (found["masks_of_instances"].fix or "")) == ("invalid", True)
    got, classes = masks_by_image(files, tmp_path, reading=ReadingSpec(instances_as="person"))
    assert classes == ["background", "person"]
    for n in NUMBERS:
        np.testing.assert_array_equal(got[f"images/{n:02}.png"], (objects(n) > 0).astype(np.uint8))


def test_a_background_that_is_not_named_is_added(tmp_path: Path) -> None:
    files = masks(plain()) | {"classes.txt": b"crack\nrust"}
    check(files, tmp_path, 3, ["background", "crack", "rust"])
    assert "'background'" in reported(files, "segmentation", tmp_path)[1]["background_unnamed"].message


def test_values_beyond_the_names_are_refused_with_both(tmp_path: Path) -> None:
    report, found = reported(masks(plain((0, 1, 5))) | TWO, "segmentation", tmp_path)
    assert report.status == "invalid"
    assert "5" in found["class_out_of_range"].message
    assert "0..1" in found["class_out_of_range"].message


@pytest.mark.parametrize("scale", [2, 0.5])
def test_masks_of_another_size_but_equal_aspect_are_scaled_and_said(scale: float, tmp_path: Path) -> None:
    """Blocks of even place and size, so that half of it loses nothing."""

    def block(n: int) -> np.ndarray:
        mask = np.zeros((SIDE, SIDE), np.uint8)
        mask[4:20, 2 * (n % 12) : 2 * (n % 12) + 10] = 1 + n % 2
        return mask

    side = int(SIDE * scale)
    files = masks(lambda n: save(Image.fromarray(block(n)).resize((side, side), Image.Resampling.NEAREST))) | THREE
    found, _ = masks_by_image(files, tmp_path)
    for n in NUMBERS:
        np.testing.assert_array_equal(found[f"images/{n:02}.png"], block(n))
    assert reported(files, "segmentation", tmp_path)[0].counts["mask_scaled"] == 24


def test_classes_of_masks_are_merged_and_dropped_as_a_person_says(tmp_path: Path) -> None:
    files = masks(plain()) | THREE
    merged, classes = masks_by_image(files, tmp_path, reading=ReadingSpec(map={"rust": "crack"}))
    assert classes == ["background", "crack"]
    np.testing.assert_array_equal(merged["images/02.png"], np.minimum(values(2), 1))
    dropped, classes = masks_by_image(files, tmp_path, reading=ReadingSpec(drop=("rust",)))
    assert classes == ["background", "crack"]
    np.testing.assert_array_equal(dropped["images/02.png"], np.array([0, 1, IGNORE], np.uint8)[values(2)])
    for wrong in (ReadingSpec(map={"9": "1"}), ReadingSpec(drop=("moss",)), ReadingSpec(masks="elsewhere")):
        assert "option_without_effect" in reported(files, "segmentation", tmp_path, reading=wrong)[1]
