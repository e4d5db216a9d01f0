"""Run lengths and polygons against pycocotools and against a float64 reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from ingest.annotations import regions
from ingest.notes import Unusable
from tests.data.layouts import run_lengths

sides = st.integers(1, 40)


@st.composite
def bitmaps(draw: st.DrawFn) -> np.ndarray:
    """Long runs and single pixels alike."""
    height, width, seed = draw(sides), draw(sides), draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    flat = np.repeat(random.random(height * width) < draw(st.floats(0, 1)), random.integers(1, 60))[: height * width]
    return flat.reshape(height, width)


@given(bitmaps(), st.booleans())
def test_run_lengths_give_the_bitmap_back(bitmap: np.ndarray, compressed: bool) -> None:
    region = regions.parse_region(run_lengths(bitmap, compressed=compressed))
    assert isinstance(region, regions.Runs)
    np.testing.assert_array_equal(region.fill(*bitmap.shape), bitmap)


@given(bitmaps())
def test_run_lengths_of_another_image_are_refused(bitmap: np.ndarray) -> None:
    region = regions.parse_region(run_lengths(bitmap, compressed=True))
    with pytest.raises(Unusable):
        region.fill(bitmap.shape[0] + 1, bitmap.shape[1])


@given(st.binary(max_size=60), sides, sides)
def test_any_string_is_refused_or_fills_the_image(text: bytes, height: int, width: int) -> None:
    counts = "".join(chr(48 + byte % 70) for byte in text)
    try:
        region = regions.parse_region({"size": [height, width], "counts": counts})
        filled = region.fill(height, width)
    except Unusable:
        return
    assert filled.shape == (height, width)
    rle = {"size": [height, width], "counts": counts.encode()}
    np.testing.assert_array_equal(filled, coco_mask.decode(rle).astype(bool))


corner = st.tuples(st.floats(0, 30), st.floats(0, 30))


@given(st.lists(corner, min_size=3, max_size=8))
def test_polygons_agree_with_a_reference_away_from_their_edges(corners: list[tuple[float, float]]) -> None:
    """COCO's own rule decides within a pixel of the outline; elsewhere even and odd crossings do."""
    polygon = np.array(corners, np.float64)
    region = regions.parse_region([polygon.reshape(-1).tolist()])
    assert isinstance(region, regions.Polygons)
    filled = regions.fill_polygons(region.corners, 30, 30)
    centres = np.stack(np.meshgrid(np.arange(30) + 0.5, np.arange(30) + 0.5), axis=-1)
    clear = distance_to_outline(centres, polygon) > 1.0
    np.testing.assert_array_equal(filled[clear], inside(centres, polygon)[clear])


def distance_to_outline(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    nearest = np.full(points.shape[:2], np.inf)
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        edge = end - start
        along = ((points - start) @ edge / max(edge @ edge, 1e-12)).clip(0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(points - start - along[..., None] * edge, axis=-1))
    return nearest


def inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    crossings = np.zeros(points.shape[:2], int)
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y1 == y2:
            continue
        spans = (points[..., 1] >= min(y1, y2)) & (points[..., 1] < max(y1, y2))
        x = x1 + (points[..., 1] - y1) * (x2 - x1) / (y2 - y1)
        crossings += spans & (points[..., 0] < x)
    return crossings % 2 == 1


def test_the_smaller_region_lies_on_top_and_what_is_shared_is_counted() -> None:
    large, small = regions.rectangle(0, 0, 9, 6), regions.rectangle(3, 0, 6, 6)
    for order in ([(large, 1, 0), (small, 2, 0)], [(small, 2, 0), (large, 1, 0)]):
        painted = regions.paint(order, 6, 9)
        np.testing.assert_array_equal(painted.mask[0], [1, 1, 1, 2, 2, 2, 1, 1, 1])
        assert painted.overlap_px == 18
    same = regions.paint([(large, 1, 0), (small, 1, 0)], 6, 9)
    assert (set(same.mask.reshape(-1).tolist()), same.overlap_px) == ({1}, 0)


def test_z_order_beats_size_and_the_later_of_two_equal_regions_lies_on_top() -> None:
    large, small = regions.rectangle(0, 0, 9, 6), regions.rectangle(3, 0, 6, 6)
    assert set(regions.paint([(large, 1, 5), (small, 2, 0)], 6, 9).mask.reshape(-1).tolist()) == {1}
    assert set(regions.paint([(large, 1, 0), (large, 2, 0)], 6, 9).mask.reshape(-1).tolist()) == {2}


def test_a_region_is_rasterised_alike_wherever_it_is_cropped() -> None:
    """Only the part of the image around a polygon is filled; the pixels are those of the whole."""
    random = np.random.default_rng(5)
    for _ in range(200):
        corners = random.uniform(-0.5, 40.4, 2) + random.uniform(0, 9, (6, 2))
        corners = corners.clip(-1, [60, 50])
        painted = regions.paint([(regions.Polygons([corners]), 1, 0)], 50, 60).mask.astype(bool)
        np.testing.assert_array_equal(painted, regions.fill_polygons([corners], 50, 60))


def test_holes_are_left_out_and_bitmaps_lie_where_they_say() -> None:
    ring = regions.Polygons(regions.rectangle(1, 1, 8, 8).corners, tuple(regions.rectangle(3, 3, 6, 6).corners))
    expected = np.zeros((10, 10), np.uint8)
    expected[1:8, 1:8], expected[3:6, 3:6] = 1, 0
    np.testing.assert_array_equal(regions.paint([(ring, 1, 0)], 10, 10).mask, expected)
    assert ring.bounds() == (1, 1, 8, 8)
    bitmap = regions.Bitmap(expected[1:8, 1:8] > 0, left=2, top=-1)
    shifted = np.zeros((10, 10), np.uint8)
    shifted[0:6, 2:9] = expected[2:8, 1:8]
    np.testing.assert_array_equal(regions.paint([(bitmap, 1, 0)], 10, 10).mask, shifted)
    with pytest.raises(Unusable):
        regions.paint([(regions.Bitmap(bitmap.filled, left=7, top=0), 1, 0)], 10, 10)


@given(bitmaps())
def test_run_lengths_know_their_box(bitmap: np.ndarray) -> None:
    region = regions.parse_region(run_lengths(bitmap, compressed=True))
    if not bitmap.any():
        with pytest.raises(Unusable):
            region.bounds()
        return
    rows, columns = np.flatnonzero(bitmap.any(axis=1)), np.flatnonzero(bitmap.any(axis=0))
    assert region.bounds() == (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)


@pytest.mark.parametrize(
    "stated",
    [
        None, [], "x", 5, [[]], [[1, 2, 3, 4]], [[1, 2, 3, 4, 5]], [[1, 2, 3, 4, 5, 6, 7]], [[1, 2, 3, 4, 5, "6"]],
        [[1, 2, 3, 4, 5, float("nan")]], [[1, 2, 3, 4, 5, float("inf")]], [[1, 2, 3, 4, 5, 10**400]], [[True] * 6],
        {}, {"size": [5]}, {"size": [5, 5], "counts": 5}, {"size": [0, 5], "counts": "0"},
        {"size": [5, 5], "counts": [-1, 26]}, {"size": [5, 5], "counts": [1.5]}, {"size": [5, 5], "counts": "é"},
        {"size": [5.0, 5], "counts": []}, {"size": [5, 5], "counts": [10**30]},
    ],
)  # fmt: skip
def test_malformed_regions_are_refused(stated: object) -> None:
    with pytest.raises(Unusable):
        regions.parse_region(stated)


@pytest.mark.parametrize(
    "stated",
    [
        {"size": [60_000, 60_000], "counts": [3_600_000_000]},
        {"size": [60_000, 60_000], "counts": "0" * 50},
        {"size": [16, 16], "counts": [0, 2**39]},
        {"size": [16, 16], "counts": [255]},
        {"size": [16, 16], "counts": "o" * 1000},
        {"size": [16, 16], "counts": "0" + "P" * 100},
        [[0, 0, 1e9, 0, 1e9, 1e9]],
        [[-40, 0, 5, 0, 5, 5]],
        [[0, 0, 15, 15, 0, 15] * 4000],
    ],
)
def test_regions_that_promise_too_much_are_refused_before_they_are_filled(stated: object) -> None:
    with pytest.raises(Unusable):
        regions.paint([(regions.parse_region(stated), 1, 0)], 16, 16)
