"""Outlines: met within the tolerance, missed beyond it."""

import pytest
import torch

from contract.pack.manifest import IGNORE
from trainer.tasks.segmentation.boundary import f_score


def square(left: int, *, side: int = 20, size: int = 64) -> torch.Tensor:
    mask = torch.zeros(1, size, size, dtype=torch.int64)
    mask[:, 10 : 10 + side, left : left + side] = 1
    return mask


def test_the_same_mask_is_met_wholly():
    assert f_score(square(10), square(10), 2).tolist() == [1.0]


def test_a_shift_within_the_tolerance_is_met_and_one_beyond_is_not():
    assert f_score(square(10), square(11), 2).tolist() == [1.0]  # 0.75 % of the diagonal is a pixel here
    assert 0.4 < f_score(square(10), square(16), 2).item() < 0.9  # top and bottom still coincide for a part


def test_an_object_that_is_not_seen_counts_as_missed():
    nothing = torch.zeros(1, 64, 64, dtype=torch.int64)
    assert f_score(nothing, square(10), 2).tolist() == [0.0]


def test_nobodys_pixels_are_left_out():
    truth = square(10)
    truth[:, :, :40] = IGNORE
    seen_alone = truth.where(truth != IGNORE, 0)
    assert f_score(square(10), truth, 2).item() == pytest.approx(f_score(seen_alone, truth, 2).item())
    assert f_score(square(10), torch.full_like(truth, IGNORE), 2).isnan().all()
