"""Intervals of a difference that hold what they say, by adding up the probability of every outcome."""

from __future__ import annotations

from math import lgamma

import numpy as np
import pytest

from trainer.statistics import intervals


def coverage(trials: int, lost: float, won: float) -> float:
    """How often the interval of `paired_score` holds the true difference, of outcomes drawn with these chances."""
    covered = 0.0
    for only_first in range(trials + 1):
        for only_second in range(trials + 1 - only_first):
            low, high = intervals.paired_score(only_first, only_second, trials)
            if low <= lost - won <= high:
                counts = np.array([only_first, only_second, trials - only_first - only_second])
                chances = np.array([lost, won, 1 - lost - won])
                ways = lgamma(trials + 1) - sum(lgamma(count + 1) for count in counts)
                covered += float(np.exp(ways) * np.prod(chances**counts))
    return covered


@pytest.mark.parametrize(("lost", "won"), [(0.01, 0.01), (0.05, 0.0), (0.05, 0.05), (0.2, 0.1), (0.02, 0.3)])
def test_interval_of_a_difference_covers_it_as_often_as_it_says(lost: float, won: float) -> None:
    assert coverage(40, lost, won) > 0.93


def test_images_that_all_keep_their_answer_promise_as_much_as_wilson_of_none() -> None:
    low, high = intervals.paired_score(0, 0, 100)
    assert high == pytest.approx(intervals.wilson(0, 100)[1], abs=1e-8)
    assert high == pytest.approx(intervals.least_shown(100), abs=1e-8)
    assert low == pytest.approx(-high, abs=1e-8)


def test_interval_of_a_difference_turns_with_its_sides_and_holds_the_estimate() -> None:
    low, high = intervals.paired_score(7, 2, 300)
    assert low < 5 / 300 < high
    assert intervals.paired_score(2, 7, 300) == pytest.approx((-high, -low), abs=1e-8)
    assert intervals.paired_score(10, 0, 10)[1] == pytest.approx(1.0, abs=1e-8)


def test_more_images_promise_more() -> None:
    promised = [intervals.least_shown(images) for images in (100, 1000, 10_000)]
    assert promised == pytest.approx([0.037, 0.0038, 0.00038], abs=1e-4)
