"""Boxes of single images: found, missed, spurious, and where they lie in the image itself."""

from __future__ import annotations

import numpy as np
import pytest

from contract.pack.manifest import Split
from contract.predictions import table
from contract.specs.tiles import TilesSpec
from tests.trainer.tasks.detection import made
from trainer.data.pack import Pack
from trainer.tasks.detection import image_rows
from trainer.tasks.detection.predictions import BoxPredictions
from trainer.tasks.detection.samples import truth_of

FRAME = (32, 32)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return made.pack_of(tmp_path_factory.mktemp("boxes"), count=24, side=64)


def said(pack: Pack, *, scale: float, drop: int, score: float = 0.9, shift: float = 0) -> BoxPredictions:
    """All boxes of the first images found but `drop` of them, moved by `shift` pixels of the image."""
    answers, there = [], []
    for row in pack.rows(Split.TRAIN)[:3].tolist():
        corners, labels = truth_of(pack, row)
        boxes = (corners * scale).astype(np.float32)
        moved = boxes + np.float32(shift * scale)
        scores = np.full(len(boxes), score, np.float32)
        answers.append((moved[drop:], scores[drop:], labels[drop:]))
        there.append((boxes, labels))
    return BoxPredictions.of(answers, there)


def rows_of(found: BoxPredictions, pack: Pack) -> list[dict]:
    columns = image_rows.of(found, pack, pack.rows(Split.TRAIN)[:3], size=FRAME)
    common = {"index": [0, 1, 2], "split": ["train"] * 3, "path": ["a", "b", "c"]}
    return table("detection", common | columns).to_pylist()


@pytest.mark.parametrize("tiles", [None, TilesSpec(shrink=1)])
def test_boxes_are_told_in_pixels_of_the_image(pack: Pack, tiles: TilesSpec | None):
    own = pack.fitted(pack.fit, tiles)
    found = said(own, scale=1 if tiles else FRAME[0] / 64, drop=0)
    for row, number in zip(rows_of(found, own), own.rows(Split.TRAIN)[:3], strict=True):
        corners, _ = truth_of(own, int(number))
        assert (row["error"], row["missed"], row["spurious"]) == (False, 0, 0)
        np.testing.assert_allclose([one["box"] for one in row["found"]], corners, atol=0.02)
        np.testing.assert_allclose([one["box"] for one in row["truth"]], corners, atol=1e-3)
        assert all(one["matched"] for one in row["found"] + row["truth"])


def test_what_is_missed_and_what_is_elsewhere_are_errors(pack: Pack):
    for row in rows_of(said(pack, scale=0.5, drop=1), pack):
        assert (row["error"], row["missed"], row["spurious"]) == (True, 1, 0)
        assert [one["matched"] for one in row["truth"]].count(False) == 1
    for row in rows_of(said(pack, scale=0.5, drop=0, shift=200), pack):
        assert row["matched"] == 0
        assert row["missed"] == row["spurious"] == len(row["truth"])


def test_boxes_that_are_hardly_sure_are_not_told(pack: Pack):
    for row in rows_of(said(pack, scale=0.5, drop=0, score=0.29), pack):
        assert (row["found"], row["probability"], row["missed"]) == ([], None, len(row["truth"]))


def test_a_true_box_is_matched_once_by_the_surest():
    two = np.array([[0, 0, 10, 10], [0, 0, 10, 9]], np.float32)
    partners = image_rows.matches(two, np.array([1, 1]), two[:1], np.array([1]))
    assert partners.tolist() == [0, -1]
    assert image_rows.matches(two, np.array([0, 0]), two[:1], np.array([1])).tolist() == [-1, -1]
