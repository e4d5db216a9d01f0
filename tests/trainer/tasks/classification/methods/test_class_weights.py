"""Weights of classes: a rare class counts as much as a common one, and how a step is divided changes nothing."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from contract.specs import CrossEntropySpec, PatchSwapSpec
from contract.specs.methods import CutMixSpec, LabelSmoothingSpec, MixupSpec
from tests.trainer.conftest import spec_for
from tests.trainer.tasks.classification.methods.judging import DIMENSIONS, Scripted, batch, build, outputs
from trainer.data.pack import Pack
from trainer.tasks.classification import class_balance

WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 0.25, 1.25])
LABELS = torch.tensor([0, 1, 3, 3, 4, 0, 2, 3])
LOGITS = torch.randn(8, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
WEIGHED = replace(DIMENSIONS, class_weights=WEIGHTS)


def loss(spec, dimensions, rows: slice = slice(None)) -> float:
    network = Scripted(outputs(LOGITS[rows].clone().requires_grad_()))
    return (
        build(spec, dimensions)
        .judge(batch(LABELS[rows], images=torch.zeros(len(LABELS[rows]), 3, 8, 8)), network)
        .losses["loss"]
        .item()
    )


@pytest.mark.parametrize("spec", [CrossEntropySpec(), PatchSwapSpec(patch_size=4, kd_weight=0)])
def test_each_image_weighs_what_its_class_does(spec):
    each = functional.cross_entropy(LOGITS, LABELS, reduction="none")
    assert loss(spec, WEIGHED) == pytest.approx((WEIGHTS.double()[LABELS] * each).mean().item())
    assert loss(spec, DIMENSIONS) == pytest.approx(each.mean().item())


def test_smoothed_labels_weigh_alike():
    spec = LabelSmoothingSpec(smoothing=0.2)
    rest = torch.full_like(LOGITS, 0.05).scatter_(1, LABELS[:, None], 0.8)
    each = -(rest * LOGITS.log_softmax(dim=1)).sum(dim=1)
    assert loss(spec, WEIGHED) == pytest.approx((WEIGHTS.double()[LABELS] * each).mean().item())


@pytest.mark.parametrize("spec", [MixupSpec(), CutMixSpec()])
def test_mixtures_are_weighed_too(spec):
    assert loss(spec, WEIGHED) != pytest.approx(loss(spec, DIMENSIONS))
    equal = replace(DIMENSIONS, class_weights=torch.ones(5))
    assert loss(spec, equal) == pytest.approx(loss(spec, DIMENSIONS))


def test_parts_of_a_step_add_up_to_the_whole():
    spec = CrossEntropySpec()
    parts = (loss(spec, WEIGHED, slice(0, 4)) + loss(spec, WEIGHED, slice(4, 8))) / 2
    assert parts == pytest.approx(loss(spec, WEIGHED))


def test_weights_are_inverse_shares_with_a_mean_of_one_over_the_images(digits: Pack):
    found = class_balance.weights(digits)
    labels = torch.from_numpy(digits.labels[digits.rows(0)])
    counts = torch.bincount(labels, minlength=len(found))
    assert found[labels].mean().item() == pytest.approx(1)
    shown = counts > 0
    torch.testing.assert_close(found[shown] * counts[shown], (found * counts)[shown].mean().expand(int(shown.sum())))


def test_weights_are_no_part_of_a_checkpoint():
    assert not build(CrossEntropySpec(), WEIGHED).state_dict()


def test_the_spec_asks_for_weights(digits: Pack):
    from trainer.tasks.classification import task  # noqa: PLC0415

    for balance, expected in (("none", False), ("sampler", False), ("weights", True)):
        training = {"epochs": 1, "pairs_per_batch": 8, "class_balance": balance}
        spec = spec_for(digits, training=training, method={"name": "cross_entropy"})
        method = task.build_method(spec, task.build_model(spec, digits.manifest), pack=digits, groups=8)
        assert (method._label_loss.weights_K is not None) == expected
