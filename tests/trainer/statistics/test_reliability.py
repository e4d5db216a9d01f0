"""Reliability bins and both calibration errors, against slow references."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.statistics import reliability

# A grid, so that confidences are often equal and often lie on an edge.
PAIRS = st.lists(st.tuples(st.integers(1, 30).map(lambda n: n / 30), st.booleans()), min_size=1, max_size=60)


def equal_mass(pairs):
    """Slices of a sorted list, as equal as can be: 15 of them, or one for each sample."""
    ordered = sorted(pairs)
    bins = min(15, len(ordered))
    cuts = [number * len(ordered) // bins for number in range(bins + 1)]
    return [ordered[start:end] for start, end in pairwise(cuts)]


def mean(values):
    return sum(values) / len(values)


@given(PAIRS)
def test_equal_mass_error_agrees_with_a_naive_one(pairs) -> None:
    expected = sum(
        len(part) / len(pairs) * abs(mean([c for c, _ in part]) - mean([hit for _, hit in part]))
        for part in equal_mass(pairs)
    )
    confidence, correct = map(np.array, zip(*pairs, strict=True))
    assert reliability.equal_mass_error(confidence, correct) == pytest.approx(expected, abs=1e-12)


@given(PAIRS, st.randoms(use_true_random=False))
def test_order_of_samples_does_not_matter(pairs, random) -> None:
    mixed = random.sample(pairs, len(pairs))
    found = [reliability.equal_mass_error(*map(np.array, zip(*order, strict=True))) for order in (pairs, mixed)]
    assert found[0] == pytest.approx(found[1], abs=1e-12)


@given(PAIRS)
def test_bins_hold_every_sample_and_their_gaps_are_the_error(pairs) -> None:
    confidence, correct = map(np.array, zip(*pairs, strict=True))
    for bins, error in (
        (reliability.equal_width_bins, reliability.expected_calibration_error),
        (reliability.equal_mass_bins, reliability.equal_mass_error),
    ):
        found = bins(confidence, correct)
        assert sum(found.counts) == len(pairs)
        assert (found.edges[0], found.edges[-1]) == (0, 1)
        assert found.edges == sorted(found.edges)
        assert len(found.edges) == len(found.counts) + 1
        gaps = [
            count / len(pairs) * abs(accuracy - level)
            for count, accuracy, level in zip(found.counts, found.accuracy, found.confidence, strict=True)
            if count
        ]
        assert sum(gaps) == pytest.approx(error(confidence, correct), abs=1e-12)
        assert [level is None for level in found.confidence] == [count == 0 for count in found.counts]


def test_equal_mass_bins_are_of_equal_mass() -> None:
    confidence = np.random.default_rng(0).random(151)
    found = reliability.equal_mass_bins(confidence, confidence > 0.5)
    assert sorted(set(found.counts)) == [10, 11]


def test_many_rows_at_once_are_the_same_as_one_by_one() -> None:
    random = np.random.default_rng(0)
    confidence, correct = random.random((5, 40)), random.random((5, 40)) < 0.5
    order = np.lexsort((correct, confidence), axis=1)
    confidence, correct = np.take_along_axis(confidence, order, 1), np.take_along_axis(correct, order, 1)
    wide = [reliability.expected_calibration_error(*row) for row in zip(confidence, correct, strict=True)]
    mass = [reliability.equal_mass_error(*row) for row in zip(confidence, correct, strict=True)]
    np.testing.assert_allclose(reliability.equal_width_errors(confidence, correct), wide)
    np.testing.assert_allclose(reliability.equal_mass_errors(confidence, correct), mass)
