"""What is run, and in which order: equal trials, seeds only once all trials are in, teachers before their pupils."""

import pytest

from bench.results import search
from bench.results.protocol import CONTROL, PATCH_SWAP, best_of
from tests.bench.results.made import done, study


def keys(runs):
    return [run.key for run in runs]


@pytest.mark.parametrize("method", search.methods())
def test_every_method_is_tuned_by_as_many_trials(method):
    space = search.space(method)
    assert len(space) == len({tuple(settings.items()) for settings in space}) == search.TRIALS


@pytest.mark.parametrize("method", search.methods())
def test_every_setting_that_is_tried_is_one_of_the_method(method):
    one = study()
    records = {}
    while missing := list(one.ready([CONTROL, method], records)):
        records |= {run.key: done(run) for run in missing}
    assert one.complete(method, records)


def test_seeds_wait_for_all_trials_and_take_the_best_setting():
    one, records = study(), {}
    trials = list(one.ready([CONTROL], records))
    assert [run.seed for run in trials] == [0] * search.TRIALS
    for number, run in enumerate(trials):
        assert {run.seed for run in one.ready([CONTROL], records)} == {0}
        records[run.key] = done(run, validation=0.9 if number == 2 else 0.5)
    seeds = list(one.ready([CONTROL], records))
    assert [(run.seed, run.settings) for run in seeds] == [(1, trials[2].settings), (2, trials[2].settings)]


def test_patch_swap_is_also_run_without_its_distillation_and_nothing_else_changed():
    one, records = study(), {}
    records |= {run.key: done(run) for run in one.ready([PATCH_SWAP], records)}
    with_it, without = list(one.ready([PATCH_SWAP], records))[:2], list(one.ready([PATCH_SWAP], records))[2:]
    for ours, theirs in zip(with_it, without, strict=True):
        assert theirs.spec == ours.spec.model_copy(
            update={"method": ours.spec.method.model_copy(update={"kd_weight": 0.0})}
        )


def test_a_run_is_known_by_what_decides_its_weights():
    one, other_seeds = study(), study(seeds=(1,))
    assert keys(one.trials(CONTROL, {})) == keys(other_seeds.trials(CONTROL, {}))
    assert not set(keys(one.trials(CONTROL, {}))) & set(keys(study(epochs=3).trials(CONTROL, {})))
    assert not set(keys(one.trials(CONTROL, {}))) & set(keys(one.trials(PATCH_SWAP, {})))


def test_the_best_trial_has_the_highest_accuracy_then_the_lowest_loss_and_a_failed_one_never_wins():
    runs = study().trials(CONTROL, {})
    lost = done(runs[0], failure="loss_nan")
    equal = [done(run, validation=0.9) for run in runs[1:3]]
    equal[1].validation.nll = 0.01
    assert best_of([lost, *equal]) == runs[2].settings
    assert best_of([lost]) is None


def test_every_seed_has_its_own_training_images():
    one, records = study(), {}
    records |= {run.key: done(run) for run in one.ready([CONTROL], records)}
    assert len({run.digest for run in one.wanted(CONTROL, records)}) == 3


def test_a_pupil_waits_for_the_cross_entropy_run_of_its_seed():
    one, records = study(), {}
    assert list(one.ready(["kd"], records)) == []
    while missing := list(one.ready([CONTROL], records)):
        records |= {run.key: done(run) for run in missing}
    controls = {run.seed: run for run in one.evaluated(CONTROL, one.best(CONTROL, records), records)}
    trials = list(one.ready(["kd"], records))
    assert {run.spec.method.teacher for run in trials} == {one.trials(CONTROL, records)[0].key}  # all validated alike
    records |= {run.key: done(run) for run in trials}
    seeds = list(one.ready(["kd"], records))
    assert [run.teacher for run in seeds] == [controls[run.seed].key for run in seeds]
    assert [run.spec.method.teacher for run in seeds] == [run.teacher for run in seeds]
