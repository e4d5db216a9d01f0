"""Means, paired differences and their p-values, against scipy.stats, which the code itself does without."""

from __future__ import annotations

from itertools import pairwise
from math import isclose

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from core.comparisons.statistics import holm, mean_interval, paired_difference

THOUSANDTHS = st.integers(0, 1000)
FIGURES = st.lists(THOUSANDTHS.map(lambda thousandths: thousandths / 1000), min_size=2, max_size=20)


@given(FIGURES)
def test_interval_is_that_of_students_t(values: list[float]):
    assume(len(set(values)) > 1)
    found = mean_interval(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.n == len(values)
    assert isclose(found.low, low, abs_tol=1e-9)
    assert isclose(found.high, high, abs_tol=1e-9)
    assert isclose(found.mean, sum(values) / len(values), abs_tol=1e-12)


@given(st.lists(st.tuples(THOUSANDTHS, THOUSANDTHS), min_size=2, max_size=20))
def test_paired_difference_is_the_paired_t_test(pairs: list[tuple[int, int]]):
    assume(len({one - other for one, other in pairs}) > 1)
    ours, theirs = ([pair[side] / 1000 for pair in pairs] for side in (0, 1))
    found = paired_difference(dict(enumerate(ours)), dict(enumerate(theirs)))
    expected = stats.ttest_rel(ours, theirs)
    low, high = expected.confidence_interval(0.95)
    assert isclose(found.p_value, expected.pvalue, rel_tol=1e-6, abs_tol=1e-12)
    assert isclose(found.low, low, abs_tol=1e-9)
    assert isclose(found.high, high, abs_tol=1e-9)


def test_only_seeds_that_both_have_are_compared():
    found = paired_difference({0: 0.9, 1: 0.8, 5: 0.1}, {1: 0.7, 0: 0.85, 7: 0.9})
    assert found.n == 2
    assert found.mean == pytest.approx(0.075)
    assert paired_difference({0: 0.9}, {1: 0.9}) is None


def test_a_pair_is_two_seeds_not_two_places():
    assert paired_difference({3: 0.9, 1: 0.5}, {1: 0.5, 3: 0.8}).mean == pytest.approx(0.05)


def test_one_seed_has_a_mean_and_nothing_more():
    assert mean_interval([]) is None
    one = mean_interval([0.5])
    assert (one.n, one.mean, one.low, one.high) == (1, 0.5, None, None)
    pair = paired_difference({0: 0.75}, {0: 0.5})
    assert (pair.n, pair.mean, pair.low, pair.high, pair.p_value) == (1, 0.25, None, None, None)


@pytest.mark.parametrize("values", [[0.3, 0.3, 0.3], [0.1 + 0.2, 0.3], [1e9, 1e9]])
def test_equal_figures_show_no_spread_instead_of_certainty(values: list[float]):
    found = mean_interval(values)
    assert (found.low, found.high) == (None, None)
    pair = paired_difference(dict(enumerate(values)), dict.fromkeys(range(len(values)), 0.0))
    assert (pair.low, pair.high, pair.p_value) == (None, None, None)


def test_several_questions_ask_for_more():
    assert holm([0.01, 0.04, None, 0.03]) == pytest.approx([0.03, 0.06, None, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.04]) == [0.04]
    assert holm([None]) == [None]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjusted_values_are_no_smaller_and_keep_their_order(p_values: list[float]):
    adjusted = holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    order = sorted(range(len(p_values)), key=lambda i: (p_values[i], i))
    assert all(adjusted[a] <= adjusted[b] for a, b in pairwise(order))
