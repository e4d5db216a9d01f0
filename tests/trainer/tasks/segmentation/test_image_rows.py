"""Masks of single images, judged as the whole split is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from contract.pack.manifest import IGNORE, Split
from contract.predictions import table
from tests.data import masked
from trainer.data.pack import Pack, open_pack
from trainer.tasks.segmentation import figures, image_rows
from trainer.tasks.segmentation.predictions import MaskPredictions


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    masked.shapes(tmp_path, classes=4)
    return open_pack(tmp_path)


def test_each_image_is_judged_as_if_it_were_the_split(pack: Pack):
    random = torch.manual_seed(0)
    masks = torch.randint(0, 3, (3, 8, 8), generator=random)
    logits = torch.randn(3, 4, 8, 8, generator=random)
    logits[0] += 9 * torch.nn.functional.one_hot(masks[0], 4).permute(2, 0, 1)
    logits[:, 3] -= 100
    masks[2] = IGNORE
    found = MaskPredictions.of(logits, masks.to(torch.uint8))
    columns = image_rows.of(found, pack, pack.rows(Split.TRAIN)[:3], size=(8, 8))
    common = {"index": [0, 1, 2], "split": ["train"] * 3, "path": ["a", "b", "c"]}
    rows = table("segmentation", common | columns).to_pylist()
    assert [row["error"] for row in rows] == [False, True, None]
    for place, row in enumerate(rows[:2]):
        alone = figures.of(found.only([place]), split="test", classes=pack.manifest.classes)
        assert row["mean_iou"] == pytest.approx(alone.mean_iou)
        assert row["pixel_accuracy"] == pytest.approx(alone.pixel_accuracy)
        assert row["loss"] == pytest.approx(alone.nll)
        assert [one["label"] for one in row["classes"]] == pack.manifest.classes[:3]
        assert sum(one["share"] for one in row["classes"]) == pytest.approx(1)
        assert sum(one["predicted_share"] for one in row["classes"]) == pytest.approx(1)
    assert (rows[2]["mean_iou"], rows[2]["loss"], rows[2]["classes"]) == (None, None, [])
