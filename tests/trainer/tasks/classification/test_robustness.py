"""Attacks stay within their strength; corruptions keep the shape and get worse with severity."""

import numpy as np
import pytest
import torch
from torch import nn

from contract.specs.normalisation import Normalisation
from trainer.augmentation.normalise import Normalise
from trainer.tasks.classification import robustness
from trainer.tasks.classification.samples import LabelledImages

SPLIT_NORMALISE = Normalise(Normalisation(mean=(0.5,), std=(0.25,)), torch.device("cpu"))


class Held:
    """Images held in memory."""

    resident, cached_bytes = True, 0

    def __init__(self, images):
        self.images = images

    def fetch(self, positions):
        return self.images[torch.from_numpy(positions)]


class Brightness(nn.Module):
    """Class 1 for images brighter than half."""

    def forward(self, images):
        mean = images.mean((1, 2, 3))
        return torch.stack([-mean, mean], 1)


def test_fgsm_turns_exactly_the_images_within_its_reach():
    levels = torch.tensor([127 - d for d in (0, 1, 3, 9)] + [128 + d for d in (0, 1, 3, 9)], dtype=torch.uint8)
    images = levels[:, None, None, None].repeat(1, 1, 4, 4)
    split = LabelledImages(Held(images), (levels > 127).long().numpy(), SPLIT_NORMALISE)
    out = {}
    list(robustness.fgsm(Brightness(), split, out))
    # distances to 127.5 are .5, 1.5, 3.5 and 9.5; strengths are 1, 2 and 4
    assert [strength["top1_accuracy"] for strength in out["fgsm"]["strengths"]] == [6 / 8, 4 / 8, 2 / 8]


@pytest.mark.parametrize("family", robustness.FAMILIES)
@pytest.mark.parametrize("channels", [1, 3])
def test_corruption_moves_further_with_severity(family, channels):
    random = np.random.default_rng(0)
    images = random.integers(60, 200, (4, 32, 32, channels), dtype=np.uint8)
    images[:, 8:16, 4:20] = 30
    distances = []
    for level in range(5):
        found = robustness.FAMILIES[family](images, level, np.random.default_rng(0))
        assert (found.shape, found.dtype) == (images.shape, np.uint8)
        distances.append(np.abs(found.astype(int) - images).mean())
    assert distances[0] > 0
    assert distances == sorted(distances)


def test_at_most_a_thousand_images_are_taken_from_all_over():
    chosen = robustness._sample(10_000)
    assert len(chosen) == 1000
    assert (chosen[0], chosen[-1]) == (0, 9999)
    np.testing.assert_array_equal(robustness._sample(7), np.arange(7))


def test_pgd_reaches_what_fgsm_does_on_a_plain_net():
    levels = torch.tensor([127 - d for d in (0, 1, 3, 9)] + [128 + d for d in (0, 1, 3, 9)], dtype=torch.uint8)
    images = levels[:, None, None, None].repeat(1, 1, 4, 4)
    split = LabelledImages(Held(images), (levels > 127).long().numpy(), SPLIT_NORMALISE)
    out = {}
    list(robustness.pgd(Brightness(), split, out))
    strengths = out["pgd"]["strengths"]
    assert [strength["top1_accuracy"] for strength in strengths] == [6 / 8, 4 / 8, 2 / 8]
    assert all(low <= s["top1_accuracy"] <= high for s in strengths for low, high in [s["confidence_interval"]])


def test_attacks_stay_within_their_strength_and_the_range():
    random = np.random.default_rng(0)
    pixels = torch.from_numpy(random.random((6, 1, 8, 8), dtype=np.float32)).round(decimals=1)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(144, 3))
    target = robustness.Target(net, SPLIT_NORMALISE, torch.arange(6) % 3)
    clean = torch.nn.functional.cross_entropy(net(SPLIT_NORMALISE.scaled(pixels)), target.labels).item()
    for attack in (robustness._fgsm, robustness._pgd):
        for epsilon, attacked in zip(robustness.EPSILONS, attack(target, pixels, random), strict=True):
            assert (attacked - pixels).abs().max() <= epsilon + 1e-6
            assert attacked.min() >= 0
            assert attacked.max() <= 1
            assert torch.nn.functional.cross_entropy(net(SPLIT_NORMALISE.scaled(attacked)), target.labels) > clean
