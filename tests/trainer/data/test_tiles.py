"""Tiles of images with boxes and masks: a random one to learn from, all of them to judge by."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contract.pack.manifest import IGNORE, Split
from contract.specs.normalisation import Normalisation
from contract.specs.tiles import TilesSpec
from portable.preprocess import PADDING
from tests.data import layouts, masked, specks
from tests.data.scenes import Scene
from tests.ingest.archives import zipped
from tests.ingest.packs import run_ingest
from trainer.data.pack import Pack, open_pack
from trainer.tasks.detection import task as boxes
from trainer.tasks.segmentation import task as masks

PLAIN = Normalisation(mean=(0.5,) * 3, std=(0.5,) * 3)
HOW: dict[str, Any] = {"device": torch.device("cpu"), "budget": 10**6, "normalisation": PLAIN}
OWN, FRAME = (150, 200), (64, 96)
TILES = TilesSpec(shrink=1, overlap=0.25)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return specks.draw(16, seed=5, size=OWN)


@pytest.fixture(scope="module")
def boxed(scenes: list[Scene], tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("boxes")
    result = run_ingest(zipped(layouts.coco(scenes, specks.NAMES)), folder, task="detection")
    assert result.manifest is not None
    return open_pack(folder / "out").fitted("letterbox", TILES)


@pytest.fixture(scope="module")
def pack_of_masks(scenes: list[Scene], tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("masks")
    drawn = [(scene.image, scene.mask) for scene in scenes]
    masked.write(folder, drawn, names=["background", *specks.NAMES], splits=np.repeat([0, 1, 2], [12, 2, 2]))
    return open_pack(folder).fitted("letterbox", TILES)


def draws(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 3))


def test_a_tile_to_learn_from_follows_from_its_draw_alone(boxed: Pack) -> None:
    samples = boxes.open_split(boxed, Split.TRAIN, size=FRAME, **HOW)
    where, drawn = np.array([3, 0, 5, 3]), draws(1, 4)
    images, targets = samples.fetch_random(where, drawn)
    assert images.shape == (4, 3, *FRAME)
    assert not torch.equal(images[0], images[3])
    again, alike = samples.fetch_random(where[::-1].copy(), drawn[::-1])
    assert torch.equal(images.flip(0), again)
    for one, other in zip(targets, alike[::-1], strict=True):
        assert torch.equal(one["boxes"], other["boxes"])


def test_boxes_lie_where_their_pixels_lie(boxed: Pack) -> None:
    samples = boxes.open_split(boxed, Split.TRAIN, size=FRAME, **HOW)
    where = np.tile(np.arange(len(samples)), 6)
    images, targets = samples.fetch_random(where, draws(2, len(where)))
    seen = 0
    for image, target in zip(images.numpy(), targets, strict=True):
        bright = image.min(axis=0) >= 165  # the ink of objects; noise stays below 120
        inside = np.zeros(FRAME, bool)
        for x1, y1, x2, y2 in target["boxes"].numpy().round().astype(int).tolist():
            assert 0 <= x1 < x2 <= FRAME[1]
            assert 0 <= y1 < y2 <= FRAME[0]
            assert bright[y1:y2, x1:x2].mean() > 0.5
            inside[y1:y2, x1:x2] = True
            seen += 1
        assert (bright & ~inside).sum() < 0.31 * 2 * 20 * 20  # what is cut to less than 30 % is not to be found
    assert seen > len(where)


def test_most_tiles_show_an_object_wholly(boxed: Pack) -> None:
    samples = boxes.open_split(boxed, Split.TRAIN, size=FRAME, **HOW)
    where = np.tile(np.arange(len(samples)), 20)
    drawn = draws(3, len(where))
    drawn[:, 0] *= 0.75  # each around a box
    _, targets = samples.fetch_random(where, drawn)
    for target in targets:
        sides = target["boxes"][:, 2:] - target["boxes"][:, :2]
        assert (sides.amin(dim=1) >= 14).any()


def test_all_tiles_of_an_image_are_judged_against_the_whole(boxed: Pack, scenes: list[Scene]) -> None:
    samples = boxes.open_split(boxed, Split.TEST, size=FRAME, **HOW)
    images, [target] = samples.fetch(np.array([0]))
    assert len(images) == len(target["places"]) == 3 * 3
    name = Path(boxed.table.column("path")[int(boxed.rows(Split.TEST)[0])].as_py()).stem
    scene = next(scene for scene in scenes if scene.name == name)
    torch.testing.assert_close(target["boxes"], torch.from_numpy(scene.boxes))
    whole = scene.image.transpose(2, 0, 1)
    for image, (top, left, height, width) in zip(images.numpy(), target["places"], strict=True):
        np.testing.assert_array_equal(image, whole[:, top : top + height, left : left + width])


def test_masks_are_cut_and_merged_with_their_images(pack_of_masks: Pack) -> None:
    samples = masks.open_split(pack_of_masks, Split.TEST, size=FRAME, **HOW)
    _, [target] = samples.fetch(np.array([0]))
    assert target.mask_HW.shape == OWN
    truth = target.mask_HW.long()
    said = torch.nn.functional.one_hot(truth, 3).permute(2, 0, 1).float()
    tiles = torch.stack([said[:, top : top + h, left : left + w] for top, left, h, w in target.places])
    found = masks.judge(20 * tiles, [target])
    assert found.pixels.tolist() == [OWN[0] * OWN[1]]
    assert found.both.sum() == OWN[0] * OWN[1]


def test_a_mask_to_learn_from_lies_where_its_tile_lies(pack_of_masks: Pack) -> None:
    samples = masks.open_split(pack_of_masks, Split.TRAIN, size=FRAME, **HOW)
    images, truth = samples.fetch_random(np.arange(12), draws(4, 12))
    bright = images.amin(dim=1) >= 165
    assert truth.shape == (12, *FRAME)
    assert torch.equal(bright, truth > 0)


def test_an_image_smaller_than_a_tile_is_letterboxed(boxed: Pack) -> None:
    samples = boxes.open_split(boxed, Split.TRAIN, size=(320, 320), **HOW)
    images, targets = samples.fetch_random(np.arange(2), draws(5, 2))
    assert targets[0]["places"] == [(0, 0, 240, 320)]
    assert (images[:, :, 240:] == PADDING).all()
    whole, [truth, _] = samples.fetch(np.arange(2))
    assert torch.equal(whole, images)
    torch.testing.assert_close(truth["boxes"], targets[0]["boxes"])


def test_the_mask_of_an_image_smaller_than_a_tile_is_nobodys_in_the_padding(pack_of_masks: Pack) -> None:
    samples = masks.open_split(pack_of_masks, Split.TRAIN, size=(320, 320), **HOW)
    _, truth = samples.fetch_random(np.arange(2), draws(5, 2))
    assert (truth[:, 240:] == IGNORE).all()
    assert (truth[:, :240] != IGNORE).all()
