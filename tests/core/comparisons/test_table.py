"""What a table says of known figures, and what it owns up to."""

from __future__ import annotations

import pytest
from scipy import stats

from tests.core.comparisons.compared import figures, table

CONTROL, OURS, OTHER = [0.80, 0.84, 0.82, 0.86], [0.83, 0.86, 0.86, 0.89], [0.81, 0.83, 0.82, 0.87]


def test_methods_are_judged_by_paired_differences():
    found = table(CONTROL, OURS, OTHER)
    control, ours, other = found.rows
    assert (control.is_control, control.difference) == (True, None)
    assert ours.difference.mean == pytest.approx(0.03)
    assert ours.difference.p_value == pytest.approx(stats.ttest_rel(OURS, CONTROL).pvalue)
    assert other.difference.p_value == pytest.approx(stats.ttest_rel(OTHER, CONTROL).pvalue)
    assert ours.difference.p_value_adjusted == pytest.approx(2 * ours.difference.p_value)
    assert other.difference.p_value_adjusted == pytest.approx(other.difference.p_value)
    assert (found.split, found.samples, found.confidence) == ("test", 200, 0.95)


def test_figures_beside_accuracy_are_means_and_memory_is_the_most():
    ran = [figures(0.8, peak_memory_bytes=7), figures(0.9, peak_memory_bytes=3, train_seconds=20.0, ece=0.07)]
    (control, ours) = table(ran, [figures(0.9, peak_memory_bytes=None), 0.9]).rows
    assert ours.peak_memory_bytes == 5_000_000
    assert (control.images_seen, control.train_seconds, control.peak_memory_bytes) == (1000, 15, 7)
    assert control.ece.mean == pytest.approx(0.06)
    assert control.nll.mean == pytest.approx(0.15)
    assert control.top1_accuracy_by_seed == {0: 0.8, 1: 0.9}


def test_a_figure_that_some_jobs_lack_is_not_averaged_over_the_others():
    (control, _) = table([figures(0.8, ece=None), figures(0.9)], [0.9, 0.9]).rows
    assert control.ece is None


def test_without_a_finished_job_there_is_a_table_all_the_same():
    found = table([None, None], [None, None])
    assert [(row.jobs, row.finished, row.top1_accuracy, row.difference) for row in found.rows] == [
        (2, 0, None, None)
    ] * 2
    assert (found.split, found.samples) == (None, None)
    assert any(note == "All methods: 0 of 2 jobs finished. An interval and a p-value need two." for note in found.notes)


def test_seeds_that_only_one_side_finished_are_left_out_and_told():
    found = table([0.8, 0.84, None, 0.86], [0.83, None, 0.9, 0.9])
    ours = found.rows[1]
    assert ours.difference.seeds == 2
    assert ours.difference.mean == pytest.approx(0.035)
    assert any("Compared over the 2 seeds that the baseline finished" in note for note in found.notes)
    assert any(note == "All methods: 3 of 4 jobs finished." for note in found.notes)


def test_one_seed_has_no_interval_and_the_note_says_so():
    found = table([0.8], [0.9])
    difference = found.rows[1].difference
    assert difference.mean == pytest.approx(0.1)
    assert (difference.low, difference.high, difference.p_value) == (None, None, None)
    assert any(note == "All methods: 1 of 1 jobs finished. An interval and a p-value need two." for note in found.notes)


def test_equal_differences_are_no_proof():
    found = table([0.5, 0.75], [0.625, 0.875])
    assert found.rows[1].difference.p_value is None
    assert any("no spread" in note for note in found.notes)


def test_unequal_budgets_are_told():
    unequal = table([0.8, 0.9], [figures(0.9, images_seen=500), figures(0.8)])
    assert any("Methods did not see equally many images: 750 to 1,000" in note for note in unequal.notes)
    halved = table([0.8, 0.9], [0.9, 0.8], budget="epochs")
    assert any("plain methods saw half as many images" in note for note in halved.notes)
    assert not any("images:" in note for note in table([0.8, 0.9], [0.9, 0.8]).notes)


def test_intervals_of_two_seeds_stay_within_what_a_figure_can_be_and_a_note_says_how_little_they_tell():
    found = table([0.3, 0.58], [0.99, 0.4])
    control, ours = found.rows
    assert (control.headline.low, control.headline.high) == (0, 1)
    assert (ours.headline.low, ours.headline.high) == (0, 1)
    assert (ours.difference.low, ours.difference.high) == (-1, 1)
    assert any("over 2 seeds reaches 9 standard deviations" in note for note in found.notes)
    assert not any("reaches 9" in note for note in table([0.8, 0.81, 0.8], [0.9, 0.8, 0.9]).notes)
