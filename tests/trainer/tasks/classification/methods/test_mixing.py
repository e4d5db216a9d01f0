"""Mixup and CutMix: pixels, the share of each label, the loss against a slow reference."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from contract.specs.methods import CutMixSpec, MixupSpec
from tests.trainer.tasks.classification.methods import slow
from tests.trainer.tasks.classification.methods.judging import Scripted, batch, build, outputs
from trainer.tasks.classification.methods.cutmix import draw_box

SPECS = [MixupSpec(), MixupSpec(alpha=5), CutMixSpec(), CutMixSpec(alpha=0.3)]
seeds = st.integers(0, 2**32 - 1)


def mixed(spec, images: torch.Tensor, *, seed: int) -> torch.Tensor:
    """What the network is shown."""
    network = Scripted(outputs(torch.zeros(len(images), 5)))
    build(spec).judge(batch(torch.zeros(len(images), dtype=torch.long), images=images, seed=seed), network)
    return network.asked[0]


def numbered(count: int, height: int = 8, width: int = 8) -> torch.Tensor:
    """Images of one value each, 1, 2, 4, ...: whatever is mixed of two says which two."""
    return (2.0 ** torch.arange(count, dtype=torch.float64))[:, None, None, None].expand(count, 1, height, width)


@given(st.integers(1, 6), seeds, st.floats(0.1, 10))
def test_mixup_gives_every_image_one_partner_and_one_share(pairs: int, seed: int, alpha: float) -> None:
    images = numbered(2 * pairs)
    shown = mixed(MixupSpec(alpha=alpha), images, seed=seed)
    random = np.random.default_rng(seed)
    share, chosen = random.beta(alpha, alpha), random.permutation(2 * pairs)
    expected = share * images + (1 - share) * images[chosen]
    torch.testing.assert_close(shown, expected)
    assert shown.sum().item() == pytest.approx(images.sum().item())  # a permutation: nothing is lost, nothing doubled


@given(st.integers(1, 5), st.integers(1, 20), st.integers(1, 20), seeds)
def test_cutmix_pastes_one_box_of_a_partner_and_its_share_is_the_area(
    pairs: int, height: int, width: int, seed: int
) -> None:
    images = numbered(2 * pairs, height, width)
    count = len(images)
    logits, labels = np.random.default_rng(seed).normal(size=(count, count)), np.arange(count)
    network = Scripted(outputs(torch.from_numpy(logits)))
    given_images = images.clone()
    judged = build(CutMixSpec()).judge(batch(torch.from_numpy(labels), images=given_images, seed=seed), network)

    shown = network.asked[0]
    assert torch.equal(given_images, images)
    pasted = shown != images
    inside = pasted.any(0)[0]
    rows, columns = (inside.any(dim) for dim in (1, 0))
    partners = labels.copy()  # of an image that met itself nothing is seen
    for number in range(count):
        if pasted[number].any():
            assert torch.equal(pasted[number, 0], rows[:, None] & columns[None])  # one box, the same in each image
            (value,) = shown[number][pasted[number]].unique().tolist()
            partners[number] = math.log2(value)
    assert sorted(partners) == list(range(count))
    own = 1 - inside.sum().item() / (height * width)
    if inside.any():
        expected = own * slow.cross_entropy(logits, labels) + (1 - own) * slow.cross_entropy(logits, partners)
        assert judged.losses["loss"].item() == pytest.approx(expected)
        assert judged.targets.tolist() == (labels if own >= 0.5 else partners).tolist()


@given(st.integers(1, 40), st.integers(1, 40), seeds)
def test_box_lies_within_the_image(height: int, width: int, seed: int) -> None:
    rows, columns = draw_box(height, width, alpha=1.0, random=np.random.default_rng(seed))
    assert 0 <= rows.start <= rows.stop <= height
    assert 0 <= columns.start <= columns.stop <= width


def test_box_that_is_not_clipped_has_the_area_of_its_draw() -> None:
    areas = []
    for seed in range(2000):
        rows, columns = draw_box(1000, 1000, alpha=1.0, random=np.random.default_rng(seed))
        lam = np.random.default_rng(seed).beta(1, 1)
        if rows.start and columns.start and rows.stop < 1000 and columns.stop < 1000:
            area = (rows.stop - rows.start) * (columns.stop - columns.start) / 1e6
            assert area == pytest.approx(1 - lam, abs=0.003)
            areas.append(area)
    assert len(areas) > 300


@pytest.mark.parametrize("spec", SPECS, ids=repr)
@pytest.mark.parametrize("seed", range(4))
def test_loss_and_gradient_agree_with_a_slow_reference(spec, seed: int) -> None:
    random = np.random.default_rng(seed)
    logits, labels = random.normal(0, 2, (6, 5)), random.integers(0, 5, 6)
    variable = torch.from_numpy(logits.copy()).requires_grad_()
    judged = build(spec).judge(batch(torch.from_numpy(labels), seed=seed), Scripted(outputs(variable)))
    judged.losses["loss"].backward()

    draws = np.random.default_rng(seed)
    if isinstance(spec, MixupSpec):
        share = draws.beta(spec.alpha, spec.alpha)
    else:
        rows, columns = draw_box(8, 8, alpha=spec.alpha, random=draws)
        share = 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / 64
    others = labels[draws.permutation(6)]

    def loss(z):
        return share * slow.cross_entropy(z, labels) + (1 - share) * slow.cross_entropy(z, others)

    assert judged.losses["loss"].item() == pytest.approx(loss(logits), rel=1e-12)
    np.testing.assert_allclose(variable.grad.numpy(), slow.gradient(loss, logits), atol=1e-8)
    assert judged.targets.tolist() == (labels if share >= 0.5 else others).tolist()


@pytest.mark.parametrize("spec", [MixupSpec(), CutMixSpec()], ids=repr)
def test_share_differs_from_step_to_step(spec) -> None:
    images = numbered(2, 32, 32)
    assert len({mixed(spec, images, seed=seed).sum((1, 2, 3)).sort().values[0].item() for seed in range(9)}) > 3
