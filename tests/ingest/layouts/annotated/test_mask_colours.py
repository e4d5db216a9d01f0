"""Masks of palettes and colours: what counts is decided for the set, and said."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.specs.reading import LabelmapEntry, ReadingSpec
from tests.ingest.layouts.annotated.builders import Files, save, values, with_palette
from tests.ingest.layouts.annotated.mask_sets import COLOURS, LABELMAP, NUMBERS, THREE, check, masks, plain
from tests.ingest.layouts.annotated.reading import masks_by_image, reported


def optimised(n: int) -> bytes:
    """A palette of its own for each mask, by frequency, as PNG optimisers write it."""
    mask = values(n, (0, 1, 2) if n % 3 else (0, 2, 1))
    order = np.random.default_rng(n).permutation(3)
    indices = np.argsort(order)[mask].astype(np.uint8)
    return with_palette(indices, [tuple(COLOURS[(0, 1, 2)[at]].tolist()) for at in order])


def truth_of_optimised(n: int) -> np.ndarray:
    return values(n, (0, 1, 2) if n % 3 else (0, 2, 1))


def test_palettes_are_read_by_their_colours_where_a_labelmap_has_them(tmp_path: Path) -> None:
    found, classes = masks_by_image(masks(optimised) | LABELMAP, tmp_path)
    assert classes == ["background", "crack", "rust"]
    for n in NUMBERS:
        np.testing.assert_array_equal(found[f"images/{n:02}.png"], truth_of_optimised(n))


def test_palettes_that_differ_say_nothing_without_a_labelmap(tmp_path: Path) -> None:
    report, found = reported(masks(optimised) | THREE, "segmentation", tmp_path)
    assert (report.status, "crack" in (found["mask_in_colours"].fix or "")) == ("invalid", False)
    assert "250,50,83" in (found["mask_in_colours"].fix or "")


def test_palettes_of_vocs_colours_are_read_by_colour_without_a_labelmap(tmp_path: Path) -> None:
    voc = [(0, 0, 0), (128, 0, 0), (0, 128, 0)]

    def make(n: int) -> bytes:
        order = [0, 1, 2] if n % 2 else [2, 0, 1]
        return with_palette(np.argsort(order)[values(n)].astype(np.uint8), [voc[at] for at in order])

    check(masks(make) | THREE, tmp_path, 3, ["background", "crack", "rust"])


def test_one_palette_for_all_is_read_by_index(tmp_path: Path) -> None:
    check(masks(lambda n: with_palette(values(n), [(9, 9, 9), (200, 0, 0), (0, 0, 200)])) | THREE, tmp_path, 3,
          ["background", "crack", "rust"])  # fmt: skip


def test_a_gray_palette_counts_by_its_gray_and_that_is_said(tmp_path: Path) -> None:
    """As an optimiser turns gray masks of 0, 1, 2 into a palette in which the most frequent comes first."""

    def make(n: int) -> bytes:
        order = [2, 0, 1] if n % 2 else [1, 2, 0]
        return with_palette(np.argsort(order)[values(n)].astype(np.uint8), [(at, at, at) for at in order])

    check(masks(make) | THREE, tmp_path, 3, ["background", "crack", "rust"])
    assert reported(masks(make) | THREE, "segmentation", tmp_path)[1]["palettes_by_gray"].severity == "warning"


def test_a_gray_palette_that_is_the_same_for_all_counts_by_index_and_that_is_said(tmp_path: Path) -> None:
    files = masks(lambda n: with_palette(values(n), [(0, 0, 0), (127, 127, 127), (254, 254, 254)])) | THREE
    check(files, tmp_path, 3, ["background", "crack", "rust"])
    assert "1 shown as 127" in reported(files, "segmentation", tmp_path)[1]["palettes_by_index"].message


def rgb(mask: np.ndarray, alpha: bool = False) -> bytes:
    layers = [mask, mask, mask, *([np.full_like(mask, 255)] if alpha else [])]
    return save(np.stack(layers, axis=-1))


@pytest.mark.parametrize("alpha", [False, True])
def test_equal_red_green_and_blue_are_gray(alpha: bool, tmp_path: Path) -> None:
    check(masks(lambda n: rgb(values(n), alpha)) | THREE, tmp_path, 3, ["background", "crack", "rust"])
    check(masks(lambda n: rgb(values(n, (0, 255)), alpha)), tmp_path, 2, ["background", "foreground"])


def test_gray_with_alpha_is_gray(tmp_path: Path) -> None:
    check(
        masks(lambda n: save(Image.fromarray(values(n)).convert("LA"))) | THREE,
        tmp_path,
        3,
        ["background", "crack", "rust"],
    )


def test_colours_without_a_labelmap_are_refused_with_one_to_copy(tmp_path: Path) -> None:
    files = masks(lambda n: save(COLOURS[values(n)]))
    report, found = reported(files, "segmentation", tmp_path)
    assert report.status == "invalid"
    fix = found["mask_in_colours"].fix or ""
    assert all(text in fix for text in ("labelmap.txt", "background:0,0,0::", "250,50,83::", "50,183,250::"))


@pytest.mark.parametrize(
    "labelmap",
    [
        LABELMAP,
        {"class_dict.csv": b"name,r,g,b\nbackground,0,0,0\ncrack,250,50,83\nrust,50,183,250\n"},
        {"label_colors.txt": b"0 0 0 background\n250 50 83 crack\n50 183 250 rust\n"},
        {
            "classes.json": b'[{"name":"background","color":"#000000"},{"name":"crack","color":"#fa3253"},'
            b'{"name":"rust","color":"#32b7fa"}]'
        },
    ],
)  # fmt: skip
def test_colours_are_read_by_any_kind_of_labelmap(labelmap: Files, tmp_path: Path) -> None:
    check(masks(lambda n: save(COLOURS[values(n)])) | labelmap, tmp_path, 3, ["background", "crack", "rust"])


def test_a_person_states_the_labelmap(tmp_path: Path) -> None:
    entries = [("background", 0), ("crack", 1), ("rust", 2)]
    by_colour = ReadingSpec(
        labelmap=tuple(LabelmapEntry(name=n, colour=tuple(COLOURS[at].tolist())) for n, at in entries)
    )
    check(masks(lambda n: save(COLOURS[values(n)])), tmp_path, 3, ["background", "crack", "rust"], reading=by_colour)
    levels = (0, 128, 255)
    by_value = ReadingSpec(labelmap=tuple(LabelmapEntry(name=n, value=levels[at]) for n, at in entries))
    check(masks(plain(levels)), tmp_path, 3, ["background", "crack", "rust"], reading=by_value)
