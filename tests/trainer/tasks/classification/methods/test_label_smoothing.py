"""The loss against a slow reference, and where it differs from torch's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from contract.specs.methods import LabelSmoothingSpec
from tests.trainer.tasks.classification.methods import slow
from tests.trainer.tasks.classification.methods.judging import build, judge
from trainer.tasks.classification.methods.soft_labels import smoothed_labels


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("smoothing", [0.1, 0.6])
def test_loss_and_gradient_agree_with_a_slow_reference(classes: int, smoothing: float) -> None:
    random = np.random.default_rng(0)
    logits, labels = random.normal(0, 2, (6, classes)), random.integers(0, classes, 6)
    targets = np.full((6, classes), smoothing / (classes - 1))
    targets[range(6), labels] = 1 - smoothing
    variable = torch.from_numpy(logits.copy()).requires_grad_()

    found = judge(build(LabelSmoothingSpec(smoothing=smoothing)), variable, torch.from_numpy(labels)).losses
    found["loss"].backward()

    assert found["loss"].item() == pytest.approx(slow.soft_cross_entropy(logits, targets), rel=1e-12)
    assert found["ce_loss"].item() == pytest.approx(slow.cross_entropy(logits, labels), rel=1e-12)
    expected = slow.gradient(lambda z: slow.soft_cross_entropy(z, targets), logits)
    np.testing.assert_allclose(variable.grad.numpy(), expected, atol=1e-8)


def test_torchs_own_smoothing_is_another_one() -> None:
    logits, labels = torch.randn(6, 5, dtype=torch.float64), torch.arange(6) % 5
    found = judge(build(LabelSmoothingSpec(smoothing=0.1)), logits, labels).losses["loss"]
    theirs = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
    assert found.item() != pytest.approx(theirs.item(), rel=1e-4)
    ours = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1 * 5 / 4)
    assert found.item() == pytest.approx(ours.item())


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.floats(0.01, 0.99))
def test_smoothed_labels_are_distributions_that_keep_their_share(labels: list[int], smoothing: float) -> None:
    made = smoothed_labels(torch.tensor(labels), torch.zeros(len(labels), 4, dtype=torch.float64), smoothing)
    np.testing.assert_allclose(made.sum(1).numpy(), 1)
    np.testing.assert_allclose(made[range(len(labels)), labels].numpy(), 1 - smoothing)
    assert len(made[0].unique()) <= 2
