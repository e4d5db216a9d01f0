"""Agreement taken batch by batch is that of the whole."""

import math

import pytest
import torch

from trainer.export.measuring.agreement import Agreement


def test_batches_add_up_to_the_whole():
    mine, reference = torch.randn(2, 10, 4, generator=torch.manual_seed(0))
    found = Agreement(("logits",))
    for part in (slice(0, 3), slice(3, 10)):
        same = mine[part].argmax(1) == reference[part].argmax(1)
        found.add((mine[part],), (reference[part],), same=same)
    difference = (mine - reference).abs()
    assert found.values("fp32") == {
        "fp32_images": 10,
        "fp32_agreement": (mine.argmax(1) == reference.argmax(1)).double().mean().item(),
        "fp32_mean_difference": pytest.approx(difference.mean().item()),
        "fp32_max_difference": pytest.approx(difference.max().item()),
    }
    assert found.differences[0].reference_deviation == pytest.approx(reference.std(correction=0).item(), rel=1e-5)


def test_a_nan_is_not_lost():
    found = Agreement(("logits",))
    for value in (1.0, math.nan, 1.0):
        one = torch.tensor([[value]])
        found.add((one,), (torch.zeros(1, 1),), same=torch.ones(1))
    assert math.isnan(found.differences[0].largest)
