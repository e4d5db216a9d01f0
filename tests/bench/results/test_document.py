"""What is published and what is said of it: computed from records, and nothing claimed that they do not show."""

from statistics import NormalDist

import pytest

from bench.results import analysis, document, published
from bench.results.protocol import CONTROL, PATCH_SWAP
from tests.bench.results.made import DRAWS, done, study

SEEDS = {1: 0.0, 2: 0.004, 3: -0.002, 4: 0.001, 5: -0.003}  # what a seed adds to both methods


def ran(accuracies, *, wobble=0.001, methods=(CONTROL, PATCH_SWAP, "patch_swap_only")):
    """A study whose methods reach these accuracies, each seed a little apart."""
    one = study(seeds=tuple(SEEDS))
    records = {}
    while missing := list(one.ready(methods, records)):
        for run in missing:
            name = "without" if run.settings.get("method.kd_weight") == 0 else run.method
            noise = wobble * NormalDist().inv_cdf((run.seed + 1) / (len(SEEDS) + 2))
            own = noise if name != CONTROL else 0.0
            records[run.key] = done(run, test=accuracies[name] + SEEDS.get(run.seed, 0.0) + own)
    return published.of(one, methods, records, "a machine")


@pytest.fixture(autouse=True)
def five_draws(monkeypatch):
    for draw in SEEDS:
        monkeypatch.setitem(DRAWS, draw, f"{draw:064x}")


BETTER = {CONTROL: 0.8, PATCH_SWAP: 0.9, "without": 0.85, "patch_swap_only": 0.8}


def test_differences_are_paired_by_seed_and_corrected_for_their_number():
    table = {row.method: row for row in analysis.rows(ran(BETTER))}
    ours, control = table[PATCH_SWAP], table[CONTROL]
    assert control.difference is None
    assert ours.difference.mean == pytest.approx(10, abs=0.05)
    assert ours.difference.high - ours.difference.low < 0.5 < ours.top1.high - ours.top1.low  # the seeds' part cancels
    assert ours.better
    assert ours.p_value == pytest.approx(2 * ours.difference.p_value)
    assert not table["patch_swap_only"].better
    assert not table["patch_swap_only"].worse


def test_the_distillation_is_judged_at_the_same_setting_and_both_tuned():
    found = analysis.distillation(ran(BETTER))
    assert found.same_setting.mean == pytest.approx(5, abs=0.05)
    assert found.both_tuned.mean == pytest.approx(10, abs=0.05)


def test_the_document_says_who_won(tmp_path):
    text = written(tmp_path, ran(BETTER))
    assert "- Better than cross-entropy beyond chance: patch_swap on 1 (of 1 data set)." in text
    assert "helps on Digits, 10 training images per class" not in text  # the two wobble alike: no spread, no verdict
    assert "| patch_swap | 90.0 (" in text
    assert (tmp_path / "results" / "digits_10.png").read_bytes().startswith(b"\x89PNG")


def test_the_document_says_when_nothing_is_shown(tmp_path):
    text = written(tmp_path, ran(dict.fromkeys(BETTER, 0.8), wobble=0.02))
    assert "No method is shown to differ from cross-entropy" in text
    assert "is not shown to change anything" in text


def test_a_seed_whose_loss_was_lost_is_left_out_and_told(tmp_path):
    whole = ran(BETTER)
    lost = [
        record.model_copy(update={"test": None, "failure": "loss_nan"})
        if (record.method, record.seed) == ("patch_swap_only", 3)
        else record
        for record in whole.records
    ]
    partly = whole.model_copy(update={"records": lost})
    (row,) = (row for row in analysis.rows(partly) if row.method == "patch_swap_only")
    assert (row.failures, row.top1.n) == (1, 4)
    assert "patch_swap_only lost its loss with 1 of the seeds" in written(tmp_path, partly)


def test_methods_run_later_join_what_is_published(tmp_path):
    both, control = ran(BETTER, methods=(CONTROL, PATCH_SWAP)), ran(BETTER, methods=(CONTROL,))
    published.write(tmp_path, both)
    published.write(tmp_path, control)
    (found,) = published.read(tmp_path, ["digits_10", "glyphs"])
    assert found.methods == [CONTROL, PATCH_SWAP]
    longer = control.model_copy(update={"epochs": control.epochs + 1})
    published.write(tmp_path, longer)
    assert published.read(tmp_path, ["digits_10"])[0].methods == [CONTROL]  # other terms: nothing to join


def test_a_method_without_all_its_seeds_is_not_in_the_table():
    whole = ran(BETTER)
    kept = [record for record in whole.records if (record.method, record.seed) != (PATCH_SWAP, 5)]
    assert whole.model_copy(update={"records": kept}).methods == [CONTROL, "patch_swap_only"]


def written(folder, one):
    published.write(folder / "results", one)
    found = published.read(folder / "results", ["digits_10"])
    assert found == [one]
    document.write(folder, found)
    return (folder / document.APPENDIX).read_text()
