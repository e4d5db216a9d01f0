"""The demo's judgement says what the figures say, whoever won."""

from __future__ import annotations

import pytest

from patchswap.demo import verdict
from patchswap.demo.verdict import Figures


def arm(*accuracies: float, samples: int = 1600) -> list[Figures]:
    return [Figures(a, (a - 0.01, a + 0.01), ece=0.05, samples=samples, images_seen=1) for a in accuracies]


def told(control: list[Figures], patch_swap: list[Figures]) -> str:
    return verdict.sentence(verdict.compare(control, patch_swap))


def test_a_clear_win_is_called_one():
    sentence = told(arm(0.90, 0.91, 0.90), arm(0.95, 0.96, 0.95))
    assert sentence.startswith("Patch swap won: 5.00 points better on average")
    assert "better with 3 of 3 seeds" in sentence


def test_a_win_of_the_control_is_called_one():
    assert told(arm(0.95, 0.96, 0.95), arm(0.90, 0.91, 0.90)).startswith("The control won: 5.00 points better")


@pytest.mark.parametrize(
    ("control", "patch_swap"),
    [
        (arm(0.950, 0.951), arm(0.955, 0.956)),  # less than the test images can tell
        (arm(0.90, 0.90, 0.90), arm(0.98, 0.89, 0.93)),  # the seeds disagree
        (arm(0.9, samples=100), arm(0.95, samples=100)),  # one seed, few images
    ],
)
def test_what_cannot_be_told_apart_has_no_winner(control: list[Figures], patch_swap: list[Figures]):
    assert told(control, patch_swap).startswith("No winner: patch swap is +")


def test_the_margin_is_that_of_two_proportions_where_seeds_agree():
    comparison = verdict.compare(arm(0.9, 0.9), arm(0.9, 0.9))
    assert comparison.margin == pytest.approx(100 * 1.96 * (2 * 0.9 * 0.1 / 1600) ** 0.5)
    assert comparison.is_noise


def test_more_seeds_do_not_shrink_what_the_test_images_leave_open():
    few, many = (verdict.compare(arm(*[0.9] * n), arm(*[0.92] * n)) for n in (2, 9))
    assert few.margin == many.margin


def test_figures_are_read_from_the_split_that_was_held_out():
    split = {
        "top1_accuracy": 0.9,
        "ece": 0.1,
        "samples": 5,
        "confidence_intervals": {"top1_accuracy": [0.8, 0.95]},
    }
    evaluation = {"evaluation_split": "test", "splits": {"val": {}, "test": split}, "images_seen": 64}
    assert Figures.of(evaluation) == Figures(0.9, (0.8, 0.95), ece=0.1, samples=5, images_seen=64)
