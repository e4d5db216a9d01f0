"""Images, masks and boxes of a pack that keep their aspect ratio at the size of the network."""

from pathlib import Path

import numpy as np
import pytest
import torch

from contract.pack.manifest import IGNORE, Split
from contract.specs.normalisation import Normalisation
from portable.preprocess import PADDING
from tests.data import layouts, masked, scenes
from tests.ingest.archives import zipped
from tests.ingest.packs import run_ingest
from trainer.data.pack import Pack, open_pack
from trainer.tasks.detection import task as boxes
from trainer.tasks.segmentation import task as masks

PLAIN = Normalisation(mean=(0.5,) * 3, std=(0.5,) * 3)
HOW = {"device": torch.device("cpu"), "budget": 10**7, "normalisation": PLAIN}
SIZE = (48, 40)  # of the network; images are 30 high and 50 wide, which leaves 24 x 40 of it


@pytest.fixture
def masked_pack(tmp_path: Path) -> Pack:
    random = np.random.default_rng(0)
    drawn = [
        (random.integers(0, 256, (30, 50, 3), dtype=np.uint8), random.integers(0, 2, (30, 50), dtype=np.uint8))
        for _ in range(6)
    ]
    masked.write(tmp_path, drawn, names=["background", "thing"], splits=np.array([0, 0, 0, 0, 1, 2]))
    return open_pack(tmp_path)


@pytest.fixture
def boxed_pack(tmp_path: Path) -> Pack:
    drawn = scenes.draw(12, seed=3, size=(30, 50))
    result = run_ingest(zipped(layouts.coco(drawn, scenes.LETTERS)), tmp_path, task="detection")
    assert result.manifest is not None
    return open_pack(tmp_path / "out")


def test_a_mask_lies_where_its_image_lies_and_the_rest_is_nobodys(masked_pack: Pack) -> None:
    fitted = masked_pack.fitted("letterbox")
    samples = masks.open_split(fitted, Split.TRAIN, size=SIZE, **HOW)
    images_BCHW, masks_BHW = samples.fetch(np.arange(4))
    assert images_BCHW.shape == (4, 3, *SIZE)
    assert (masks_BHW[:, 24:] == IGNORE).all()
    assert (images_BCHW[:, :, 24:] == PADDING).all()
    for row, image, mask in zip(fitted.rows(Split.TRAIN).tolist(), images_BCHW, masks_BHW, strict=True):
        np.testing.assert_array_equal(mask[:24, :, None], masked_pack.read_mask(row, height=24, width=40))
        np.testing.assert_array_equal(image[:, :24].permute(1, 2, 0), masked_pack.read(row, height=24, width=40))


def test_padding_is_not_judged(masked_pack: Pack) -> None:
    samples = masks.open_split(masked_pack.fitted("letterbox"), Split.TEST, size=SIZE, **HOW)
    _, truth_BHW = samples.fetch(np.arange(1))
    said = torch.nn.functional.one_hot(truth_BHW.long() % IGNORE, 2).permute(0, 3, 1, 2).float()
    said[:, :, 24:] = torch.tensor([0.0, 9.0])[:, None, None]  # what is said of the padding is wrong, and no matter
    found = masks.judge(20 * said, truth_BHW)
    assert found.pixels.sum() == 24 * 40
    assert masks.validate(found)["val.mean_iou"] == 1.0


def test_boxes_lie_where_their_image_lies(boxed_pack: Pack) -> None:
    """By the same factor as the image, and back within half a pixel."""
    stretched, fitted = (
        boxes.open_split(pack, Split.TRAIN, size=SIZE, **HOW) for pack in (boxed_pack, boxed_pack.fitted("letterbox"))
    )
    rows = boxed_pack.rows(Split.TRAIN)
    _, targets = fitted.fetch(np.arange(len(rows)))
    assert [target["places"] for target in targets] == [[(0, 0, 24, 40)]] * len(rows)
    assert [target["places"] for target in stretched.fetch(np.arange(2))[1]] == [[(0, 0, *SIZE)]] * 2
    for row, target in zip(rows.tolist(), targets, strict=True):
        own = np.array(boxed_pack.table.column("boxes")[row].as_py()).reshape(-1, 4)
        np.testing.assert_allclose(target["boxes"], own * 0.8, atol=1e-4)


def test_what_is_found_in_the_padding_is_not_judged(boxed_pack: Pack) -> None:
    samples = boxes.open_split(boxed_pack.fitted("letterbox"), Split.TEST, size=SIZE, **HOW)
    _, [target, *_] = samples.fetch(np.arange(1))
    count = len(target["boxes"])
    scores = torch.zeros(1, count + 1, 4)
    scores[0, torch.arange(count), target["labels"]] = 0.9
    scores[0, count, 0] = 0.95  # the surest of all lies in the padding
    decoded = torch.cat([target["boxes"], torch.tensor([[5.0, 30, 15, 44]])])[None], scores
    found = boxes.judge(decoded, [target])
    assert found.scores.max() == pytest.approx(0.9)
    assert boxes.validate(found)["val.ap50"] == pytest.approx(1.0)


def test_a_pack_stretches_unless_it_is_fitted(masked_pack: Pack) -> None:
    row = int(masked_pack.rows(Split.TRAIN)[0])
    whole = masked_pack.read(row, height=48, width=40)
    np.testing.assert_array_equal(masked_pack.fitted("stretch").read(row, height=48, width=40), whole)
    assert not (whole[24:] == PADDING).all()
