"""The loss against a slow reference of the formula as published, oddities and all."""

import numpy as np
import pytest
import torch

from contract.specs.methods import TfKdRegSpec
from tests.trainer.tasks.classification.methods import slow
from tests.trainer.tasks.classification.methods.judging import build, judge


def slow_loss(logits, labels, spec: TfKdRegSpec) -> float:
    classes, total = len(logits[0]), 0.0
    for row, label in zip(logits, labels, strict=True):
        made = [(1 - spec.correct_probability) / (classes - 1)] * classes
        made[label] = spec.correct_probability
        total += slow.divergence(slow.softmax(made, spec.temperature), slow.softmax(row))
    mean = total / (len(logits) * classes)
    return (1 - spec.alpha) * slow.cross_entropy(logits, labels) + spec.alpha * spec.multiplier * mean


@pytest.mark.parametrize(
    "spec", [TfKdRegSpec(), TfKdRegSpec(alpha=0.4, temperature=2, multiplier=7, correct_probability=0.6)]
)
def test_loss_and_gradient_agree_with_a_slow_reference(spec: TfKdRegSpec) -> None:
    random = np.random.default_rng(1)
    logits, labels = random.normal(0, 2, (6, 4)), random.integers(0, 4, 6)
    variable = torch.from_numpy(logits.copy()).requires_grad_()

    found = judge(build(spec), variable, torch.from_numpy(labels)).losses
    found["loss"].backward()

    assert found["loss"].item() == pytest.approx(slow_loss(logits, labels, spec), rel=1e-12)
    expected = slow.gradient(lambda z: slow_loss(z, labels, spec), logits)
    np.testing.assert_allclose(variable.grad.numpy(), expected, atol=1e-8)


def test_weight_by_image_is_alpha_times_multiplier_over_classes() -> None:
    logits, labels = torch.randn(4, 100, dtype=torch.float64), torch.arange(4)
    losses = judge(build(TfKdRegSpec(alpha=1.0, multiplier=100)), logits, labels).losses
    made = np.full((4, 100), 0.01 / 99)
    made[range(4), range(4)] = 0.99
    by_image = [
        slow.divergence(slow.softmax(d, 20), slow.softmax(z)) for d, z in zip(made, logits.numpy(), strict=True)
    ]
    assert losses["loss"].item() == pytest.approx(np.mean(by_image))  # 1 * 100 / 100
