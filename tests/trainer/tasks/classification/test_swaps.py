"""The pairs that are shown: of one class, really swapped, and judged by the network."""

import base64
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.trainer.report import made
from tests.trainer.tasks.classification.test_robustness import SPLIT_NORMALISE, Held
from trainer.report import pictures
from trainer.tasks.classification import swaps
from trainer.tasks.classification.samples import LabelledImages

SPECS = [
    {"name": "patch_swap", "patch_size": 2},
    {"name": "patch_swap_only", "patch_size": 4},
]


class Brightness(nn.Module):
    def forward(self, images):
        mean = images.mean((1, 2, 3))
        return torch.stack([-mean, mean, 0 * mean], 1)


def held_out(labels: list[int], size: int = 8) -> LabelledImages:
    """Each image has a level of its own, so that a patch tells whose it is."""
    levels = torch.arange(len(labels), dtype=torch.uint8) * 10 + 5
    images = levels[:, None, None, None].repeat(1, 1, size, size)
    return LabelledImages(Held(images), np.array(labels), SPLIT_NORMALISE)


def pixels(shown: swaps.Shown) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(base64.b64decode(shown.picture.partition(",")[2]))).convert("RGB"))


@pytest.mark.parametrize("method", SPECS)
def test_pairs_share_their_class_and_exchange_some_patches(method: dict) -> None:
    spec = made.resolved(made.manifest_of(["a", "b", "c"]), method=method)
    found = swaps.pairs(spec, Brightness(), held_out([2, 0, 0, 1, 2, 0]))
    assert [pair.label for pair in found] == [0, 2]  # b has one image only
    for pair, levels in zip(found, ((15, 25), (5, 45)), strict=True):
        assert 0 < pair.share < 1
        for shown, level in zip(pair.before, levels, strict=True):
            assert (pixels(shown) == level).all()
        for shown, own, other in zip(pair.after, levels, reversed(levels), strict=True):
            picture = pixels(shown)
            outlined = (picture == np.array((230, 60, 200))).all(-1)
            assert set(np.unique(picture[~outlined])) == {own, other}
        for shown in (*pair.before, *pair.after):
            assert 0 <= shown.target <= shown.confidence <= 1


def test_probabilities_are_the_networks_own() -> None:
    spec = made.resolved(made.manifest_of(["a", "b", "c"]), method=SPECS[0])
    split = held_out([0, 0])
    (pair,) = swaps.pairs(spec, Brightness(), split)
    images = split.images.fetch(np.array([0, 1]))
    expected = Brightness()(SPLIT_NORMALISE(images)).double().softmax(1)
    for shown, row in zip(pair.before, expected, strict=True):
        assert shown.predicted == int(row.argmax())
        assert (shown.confidence, shown.target) == pytest.approx((row.max().item(), row[0].item()))


def test_method_without_a_swap_and_split_without_pairs_show_none() -> None:
    manifest = made.manifest_of(["a", "b"])
    plain = made.resolved(manifest, method={"name": "cross_entropy"})
    assert swaps.pairs(plain, Brightness(), held_out([0, 0])) is None
    swapping = made.resolved(manifest, method=SPECS[0])
    assert swaps.pairs(swapping, Brightness(), held_out([0, 1])) == []


@pytest.mark.parametrize("shape", [(8, 8, 1), (72, 40, 3), (73, 200, 3), (224, 224, 3), (8, 512, 3), (512, 8, 1)])
def test_any_size_is_shown_at_about_one(shape: tuple[int, int, int]) -> None:
    uri = pictures.of_pixels(np.full(shape, 7, np.uint8), np.eye(4, dtype=bool))
    image = Image.open(BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert 72 <= max(image.size) <= 144
    assert len(uri) < 60_000
