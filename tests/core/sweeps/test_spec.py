"""A sweep's body: what its jobs are made of, and what is refused before anything is trained."""

from __future__ import annotations

from typing import Any

import pytest

from contract.specs import SpecInvalid, parse, resolve
from core.sweeps.feasibility import sweep_violations
from core.sweeps.spec import final_body, parse_sweep, trial_body
from tests.worker.seed import MANIFEST

RATE = {"type": "float", "low": 1e-3, "high": 0.5, "log": True}
BODY: dict[str, Any] = {"dataset": "dsv_1", "space": {"optimizer.learning_rate": RATE}, "trials": 4}
EXPORTS = [{"format": "onnx", "precision": "int8"}]


def faults(manifest=MANIFEST, **changes: Any) -> dict[str, str]:
    """pointer -> code"""
    try:
        return {v.pointer: v.code for v in sweep_violations(parse_sweep(BODY | changes), manifest)}
    except SpecInvalid as invalid:
        return {v.pointer: v.code for v in invalid.violations}


def of(path: str, values: dict[str, Any], **changes: Any) -> dict[str, str]:
    return faults(space={path: values}, **changes)


def test_final_job_is_the_base_with_a_trials_values():
    base = {"recipe": "resnet20_short", "exports": EXPORTS, "control": True, "training": {"epochs": 3}}
    sweep = parse_sweep(BODY | {"spec": base, "name": "s", "labels": {"a": "b"}})
    job = parse(final_body(sweep, {"optimizer.learning_rate": 0.2, "training.pairs_per_batch": 8}))
    assert (job.optimizer.learning_rate, job.optimizer.schedule) == (0.2, "cosine")  # the recipe's, kept
    assert (job.training.epochs, job.training.pairs_per_batch) == (3, 8)
    assert (job.name, job.labels, job.control, job.evaluation.test) == ("s", {"a": "b"}, True, True)
    assert [export.precision for export in job.exports] == ["int8"]


def test_trial_reads_no_test_image_whatever_the_base_asks_for():
    base = {"exports": EXPORTS, "control": True, "evaluation": {"test": True, "robustness": ["fgsm"]}}
    job = parse(trial_body(parse_sweep(BODY | {"spec": base, "name": "s"}), {"method.kd_weight": 0.5}, 3))
    assert (job.evaluation.test, job.evaluation.robustness, job.exports, job.control) == (False, (), (), False)
    assert (job.name, job.method.kd_weight) == ("s: trial 3", 0.5)
    resolve(job, MANIFEST)


def test_another_method_can_be_searched_for():
    values = {"type": "categorical", "values": ["cross_entropy", "patch_swap"]}
    assert of("method.name", values) == {}
    job = parse(final_body(parse_sweep(BODY), {"method.name": "cross_entropy"}))
    assert job.method.name == "cross_entropy"


@pytest.mark.parametrize(
    ("path", "values", "expected"),
    [
        ("optimizer.learning_rate", RATE | {"high": 11}, {"/space/optimizer.learning_rate/high": "less_than_equal"}),
        ("optimizer.learning_rate", RATE | {"low": 0}, {"/space/optimizer.learning_rate/low": "log_of_zero"}),
        ("optimizer.learning_rate", RATE | {"high": 1e-3}, {"/space/optimizer.learning_rate/high": "empty_range"}),
        ("optimizer.learning_rate", {"type": "float", "low": 1}, {"/space/optimizer.learning_rate/high": "missing"}),
        ("optimizer.rate", RATE, {"/space/optimizer.rate": "unknown_field"}),
        ("optimizer.a/b~c", RATE, {"/space/optimizer.a~1b~0c": "unknown_field"}),
        ("method.none.deeper", RATE, {"/space/method.none.deeper": "unknown_field"}),
        ("evaluation.test", {"type": "categorical", "values": [True]}, {"/space/evaluation.test": "not_searched"}),
        ("seed", {"type": "int", "low": 0, "high": 9}, {"/space/seed": "not_searched"}),
        ("optimizer.", RATE, {"/space/optimizer.": "not_searched"}),
        (
            "training.pairs_per_batch",
            {"type": "int", "low": 8, "high": 63, "step": 8},
            {"/space/training.pairs_per_batch/high": "not_on_step"},
        ),
        (
            "training.pairs_per_batch",
            {"type": "int", "low": 8, "high": 64, "step": 8, "log": True},
            {"/space/training.pairs_per_batch/step": "log_step"},
        ),
        (
            "training.pairs_per_batch",
            {"type": "float", "low": 8, "high": 64},
            {"/space/training.pairs_per_batch": "int_from_float"},
        ),
        (
            "method.patch_size",
            {"type": "int", "low": 2, "high": 4},
            {"/space/method.patch_size": "patch_size_not_divisor"},
        ),
        (
            "method.patch_size",
            {"type": "categorical", "values": [2, 3, "auto", "auto"]},
            {"/space/method.patch_size/values/3": "twice"},
        ),
        (
            "method.patch_size",
            {"type": "categorical", "values": [2, 3, "auto"]},
            {"/space/method.patch_size/values/1": "patch_size_not_divisor"},
        ),
    ],
)
def test_range_that_no_trial_could_take_is_told_at_its_place(path: str, values: dict, expected: dict):
    assert of(path, values) == expected


def test_ranges_that_can_run_are_accepted():
    space = {
        "optimizer.learning_rate": RATE,
        "training.pairs_per_batch": {"type": "int", "low": 8, "high": 64, "step": 8},
        "method.kd_weight": {"type": "categorical", "values": [0.1, 0.25, 1]},
        "training.augmentation.horizontal_flip": {"type": "categorical", "values": [True, False]},
        "model.architecture": {"type": "categorical", "values": ["resnet18", "resnet20"]},
    }
    assert faults(space=space) == {}


def test_faults_of_the_base_are_told_below_spec():
    assert faults(spec={"training": {"epochs": 0}}) == {"/spec/training/epochs": "greater_than_equal"}
    assert faults(spec={"dataset": "ds_1"}) == {"/spec/dataset": "given_beside"}
    assert faults(spec={"recipe": "nothing"}) == {"/spec/recipe": "unknown_recipe"}
    assert faults(labels={"not a key": "x"}) != {}


def test_one_path_is_searched_once():
    pair = {"optimizer.momentum": RATE, "optimizer.momentum.x": RATE}
    assert faults(space=pair) == {"/space/optimizer.momentum.x": "path_twice"}


@pytest.mark.parametrize("split", ["val", "test"])
def test_dataset_needs_both_splits(split: str):
    manifest = MANIFEST.model_copy(update={"counts": {k: v for k, v in MANIFEST.counts.items() if k != split}})
    assert faults(manifest) == {"/dataset": "needs_splits"}


def test_rungs_must_leave_something_to_prune():
    assert faults(algorithm="asha", asha={"min_epochs": 2}, spec={"training": {"epochs": 2}}) == {
        "/asha/min_epochs": "no_rung"
    }
    assert faults(algorithm="asha", asha={"min_epochs": 1}, spec={"training": {"epochs": 2}}) == {}
    assert faults(asha={"min_epochs": 1}) == {"/asha": "unused"}


def test_job_that_leaves_test_unread_exports_nothing():
    body = {"dataset": "dsv_1", "evaluation": {"test": False}}
    with pytest.raises(SpecInvalid) as raised:
        resolve(parse(body), MANIFEST)
    assert [v.pointer for v in raised.value.violations] == ["/exports"]
    assert resolve(parse(body | {"exports": []}), MANIFEST)
    no_val = MANIFEST.model_copy(update={"counts": {"train": {"cat": 20}, "test": {"cat": 5}}})
    with pytest.raises(SpecInvalid) as raised:
        resolve(parse(body | {"exports": []}), no_val)
    assert [v.pointer for v in raised.value.violations] == ["/evaluation/test"]
