"""The risk-coverage area against its definition."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.statistics import risk_coverage


def naive_aurc(ordered):
    """The mean over n of the error rate of the first n; `ordered` says of each sample whether it is right."""
    return np.mean([sum(not hit for hit in ordered[: n + 1]) / (n + 1) for n in range(len(ordered))])


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_area_and_its_excess_agree_with_naive_ones(hits) -> None:
    confidence = np.linspace(1, 0.1, len(hits))  # the first is the surest
    correct = np.array(hits)
    assert risk_coverage.aurc(confidence, correct) == pytest.approx(naive_aurc(hits))
    best = naive_aurc(sorted(hits, reverse=True))
    assert risk_coverage.excess_aurc(confidence, correct) == pytest.approx(naive_aurc(hits) - best)


@given(st.lists(st.tuples(st.sampled_from([0.3, 0.6, 0.9]), st.booleans()), min_size=1, max_size=6))
def test_equal_confidences_give_the_mean_over_their_orders(pairs) -> None:
    orders = [sorted(order, key=lambda pair: -pair[0]) for order in permutations(pairs)]
    expected = np.mean([naive_aurc([hit for _, hit in order]) for order in orders])
    confidence, correct = map(np.array, zip(*pairs, strict=True))
    assert risk_coverage.aurc(confidence, correct) == pytest.approx(expected)


def test_perfect_net_has_no_area() -> None:
    assert risk_coverage.aurc(np.array([0.5, 0.9]), np.array([True, True])) == 0
    assert risk_coverage.excess_aurc(np.array([0.5, 0.9]), np.array([True, True])) == 0
