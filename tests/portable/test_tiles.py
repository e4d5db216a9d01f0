"""Images cut into tiles, and what tiles say put together again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.specs import tiles as counting
from contract.specs.tiles import TilesSpec
from portable import boxes, classification, segmentation
from portable.preprocess import Tile, content_size, cut, tiles_of, whole_size

SIDES = st.integers(1, 700)
CUTS = st.fixed_dictionaries({
    "height": st.integers(8, 96),
    "width": st.integers(8, 96),
    "shrink": st.integers(1, 4),
    "overlap": st.sampled_from([0, 0.1, 0.25, 0.5, 0.75]),
})  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(size=st.tuples(SIDES, SIDES), how=CUTS)
def test_every_pixel_lies_in_a_tile_and_every_output_in_the_whole(size: tuple[int, int], how: dict) -> None:
    tiles = cut(size, **how)
    seen, said = np.zeros(size, bool), np.zeros(whole_size(tiles), bool)
    for (left, top, right, bottom), (row, column, height, width) in tiles:
        assert 0 <= left < right <= size[1]
        assert 0 <= top < bottom <= size[0]
        assert height <= how["height"]
        assert width <= how["width"]
        seen[top:bottom, left:right] = True
        said[row : row + height, column : column + width] = True
    assert seen.all()
    assert said.all()


@settings(deadline=None, max_examples=200)
@given(size=st.tuples(SIDES, SIDES), how=CUTS, where=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_what_is_no_larger_than_the_overlap_lies_wholly_in_a_tile(
    size: tuple[int, int], how: dict, where: tuple[float, float]
) -> None:
    sides = [int(how["overlap"] * how["shrink"] * how[name]) for name in ("height", "width")]
    height, width = (min(side, own) for side, own in zip(sides, size, strict=True))
    top, left = int(where[0] * (size[0] - height)), int(where[1] * (size[1] - width))
    crops = [tile.crop for tile in cut(size, **how)]
    assert any(x1 <= left and y1 <= top and left + width <= x2 and top + height <= y2 for x1, y1, x2, y2 in crops)


@settings(deadline=None, max_examples=200)
@given(size=st.tuples(SIDES, SIDES), how=CUTS)
def test_the_contract_counts_the_tiles_that_are_cut(size: tuple[int, int], how: dict) -> None:
    spec = TilesSpec(shrink=how["shrink"], overlap=how["overlap"])
    assert counting.count(spec, size=(how["height"], how["width"]), image=size) == len(cut(size, **how))


@settings(deadline=None, max_examples=100)
@given(size=st.tuples(st.integers(97, 700), st.integers(97, 700)), how=CUTS)
def test_the_whole_is_the_image_shrunk(size: tuple[int, int], how: dict) -> None:
    tiles = cut(size, **how)
    if len(tiles) > 1:
        expected = tuple((2 * own + how["shrink"]) // (2 * how["shrink"]) for own in size)
        assert whole_size(tiles) == expected


def test_an_image_no_larger_than_a_tile_is_letterboxed_as_ever() -> None:
    content = content_size((50, 60), height=64, width=64, fit="letterbox")
    whole = [Tile((0, 0, 60, 50), (0, 0, *content))]
    assert cut((50, 60), height=64, width=64, shrink=1, overlap=0.25) == whole
    rules = {"height": 64, "width": 64, "fit": "letterbox"}
    assert tiles_of((50, 60), rules) == tiles_of((50, 60), rules | {"tiles": {"shrink": 1, "overlap": 0.25}}) == whole


def test_a_network_that_is_not_of_tiles_sees_the_whole_image() -> None:
    assert tiles_of((500, 600), {"height": 64, "width": 64}) == [Tile((0, 0, 600, 500), (0, 0, 64, 64))]


@settings(deadline=None, max_examples=50)
@given(size=st.tuples(st.integers(20, 300), st.integers(20, 300)), how=CUTS)
def test_logits_that_depend_on_their_pixel_alone_are_those_of_the_whole(size: tuple[int, int], how: dict) -> None:
    logits_KHW = np.random.default_rng(0).normal(size=(3, *size)).astype(np.float32)
    tiles = cut(size, **(how | {"shrink": 1}))
    if len(tiles) == 1:
        return
    said = [[logits_KHW[:, top:bottom, left:right]] for (left, top, right, bottom), _ in tiles]
    (found_KHW,) = segmentation.merged(said, [tile.place for tile in tiles])
    np.testing.assert_allclose(found_KHW, logits_KHW, rtol=1e-5, atol=1e-6)


def test_a_pixel_counts_the_less_the_nearer_to_the_edge_of_its_tile() -> None:
    ones, zeros = (np.full((1, 1, 8), value, np.float32) for value in (1, 0))
    (found_KHW,) = segmentation.merged([[ones], [zeros]], [(0, 0, 1, 8), (0, 4, 1, 8)])
    blended = found_KHW[0, 0, 4:8]
    assert (np.diff(blended) < 0).all()
    assert found_KHW[0, 0, :4].tolist() == [1] * 4
    assert found_KHW[0, 0, 8:].tolist() == [0] * 4


def finds(objects: np.ndarray, classes: np.ndarray, tile: Tile) -> list[np.ndarray]:
    """A detector that finds all it sees, surely what is whole and a little surer what is cut."""
    (left, top, right, bottom), _ = tile
    clipped = np.clip(objects - [left, top, left, top], 0, [right - left, bottom - top] * 2)
    shares = (clipped[:, 2:] - clipped[:, :2]).prod(axis=1) / (objects[:, 2:] - objects[:, :2]).prod(axis=1)
    scores = np.zeros((len(objects), 3), np.float32)
    scores[np.arange(len(objects)), classes] = np.where(shares >= 1, 0.8, np.where(shares > 0.3, 0.9, 0))
    return [clipped.astype(np.float32), scores]


@pytest.mark.parametrize("seed", range(12))
def test_objects_up_to_the_overlap_are_found_once_and_whole(seed: int) -> None:
    random = np.random.default_rng(seed)
    cells = random.permutation(100)[:40]  # a grid of 10 x 10 cells of 60 px, an object of 8 to 24 px in some
    sides = random.integers(8, 25, (40, 2))
    corners = np.stack([cells % 10, cells // 10], axis=1) * 60 + random.integers(0, 36, (40, 2))
    objects, classes = np.concatenate([corners, corners + sides], axis=1).astype(float), random.integers(0, 3, 40)
    tiles = cut((600, 600), height=96, width=128, shrink=1, overlap=0.26)
    said = [finds(objects, classes, tile) for tile in tiles]
    merged = boxes.merged(said, [tile.place for tile in tiles])
    found, scores, labels = boxes.choose(*merged)
    assert len(found) == 40
    assert scores.tolist() == pytest.approx([0.8] * 40)
    order, expected = np.lexsort(found.T), np.lexsort(objects.T)
    np.testing.assert_array_equal(found[order], objects[expected])
    np.testing.assert_array_equal(labels[order], classes[expected])
    answer = boxes.answer(merged, ["a", "b", "c"], sizes=((600, 600), (1200, 1200)), threshold=0.5)
    assert len(answer["detections"]) == 40
    assert max(max(one["box"]) for one in answer["detections"]) == 2 * objects.max()


def test_neighbours_of_one_tile_are_not_taken_for_parts_of_each_other() -> None:
    """Two objects at an inner edge, one behind the other: only boxes of different tiles may mean one."""
    ours = np.array([[0, 0, 30, 10], [2, 2, 14, 10]], np.float32)
    one = [ours, np.array([[0.9], [0.8]], np.float32)]
    other = [np.zeros((0, 4), np.float32), np.zeros((0, 1), np.float32)]
    found, _, _ = boxes.choose(*boxes.merged([other, one], [(0, 0, 64, 64), (0, 48, 64, 64)]))
    assert len(found) == 2


def test_more_than_a_hundred_boxes_of_many_tiles_are_kept() -> None:
    corners = np.array([[x, y, x + 4, y + 4] for x in range(0, 60, 6) for y in range(0, 60, 6)], np.float32)
    tile = [corners, np.full((100, 1), 0.5, np.float32)]
    found, _, _ = boxes.choose(
        *boxes.merged([tile] * 4, [(0, 0, 64, 64), (0, 64, 64, 64), (64, 0, 64, 64), (64, 64, 64, 64)])
    )
    assert len(found) == 400


def test_tiles_in_which_nothing_is_found_are_an_image_in_which_nothing_is_found() -> None:
    nothing = [np.zeros((5, 4), np.float32), np.zeros((5, 2), np.float32)]
    merged = boxes.merged([nothing, nothing], [(0, 0, 8, 8), (0, 4, 8, 8)])
    assert [len(each) for each in boxes.choose(*merged)] == [0, 0, 0]
    assert boxes.classes_of(merged) == 2


@pytest.mark.parametrize("task", [boxes, segmentation, classification])
def test_one_tile_is_the_image_itself(task: object) -> None:
    outputs = [np.ones((2, 3, 3), np.float32)]
    assert task.merged([outputs], [(0, 0, 3, 3)]) is outputs
