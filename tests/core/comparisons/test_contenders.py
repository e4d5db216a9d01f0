"""From a comparison's body to the job specs of its methods; what is wrong points into that body."""

from __future__ import annotations

from typing import Any

import pytest

from contract.specs import SpecInvalid
from core.comparisons import contenders
from core.comparisons.contenders import Contender, is_plain
from core.comparisons.spec import parse


def read(**body: Any) -> list[Contender]:
    found, faults = contenders.read(parse({"dataset": "ds_1", "methods": ["patch_swap"], **body}))
    assert faults == []
    return found


def pointers(**body: Any) -> list[str]:
    """Where the faults are, whether of the form or of the methods."""
    try:
        asked = parse({"dataset": "ds_1", "methods": ["patch_swap"], **body})
    except SpecInvalid as error:
        return [fault.pointer for fault in error.violations]
    return [fault.pointer for fault in contenders.unique(contenders.read(asked)[1])]


def test_control_is_added_where_it_is_not_named():
    assert [one.label for one in read()] == ["cross_entropy", "patch_swap"]
    named = read(methods=["patch_swap", "cross_entropy"])
    assert [(one.label, one.is_control) for one in named] == [("patch_swap", False), ("cross_entropy", True)]


def test_methods_differ_in_nothing_but_the_method():
    base = {"recipe": "resnet20_short", "training": {"epochs": 6}, "optimizer": {"milestones": [3]}}
    control, ours = (one.spec for one in read(spec=base))
    assert control.model_copy(update={"method": ours.method}) == ours
    assert (ours.model.architecture, ours.training.epochs, ours.training.pairs_per_batch) == ("resnet20", 6, 32)


def test_recipe_settings_reach_the_method_they_are_of():
    _, ours = read(spec={"recipe": "resnet20_short"})
    assert ours.spec.method.kd_weight == 0.25


def test_trials_export_nothing_unless_the_base_asks():
    assert {one.spec.exports for one in read()} == {()}
    assert all(one.spec.exports for one in read(spec={"exports": [{"precision": "int8"}]}))


def test_a_name_that_stands_for_several_is_shown_with_its_settings():
    methods = ["patch_swap_only", "patch_swap", {"name": "patch_swap", "kd_weight": 0.25, "kd_direction": "one_way"}]
    assert [one.label for one in read(methods=methods)] == [
        "cross_entropy",
        "patch_swap_only",
        "patch_swap",
        'patch_swap kd_weight=0.25 kd_direction="one_way"',
    ]


def test_a_count_of_seeds_stands_for_the_first_ones():
    assert parse({"dataset": "d", "methods": ["patch_swap"], "seeds": 3}).seeds == [0, 1, 2]
    assert parse({"dataset": "d", "methods": ["patch_swap"], "seeds": [7, 1]}).seeds == [7, 1]
    assert parse({"dataset": "d", "methods": ["patch_swap"]}).seeds == [0, 1, 2, 3, 4]


def test_equal_images_are_equal_epochs_and_epochs_are_half_as_many_for_plain_methods():
    base = {"training": {"epochs": 8}, "optimizer": {"milestones": [4, 6], "warmup_epochs": 3}}
    assert {one.spec.training.epochs for one in read(spec=base)} == {8}
    control, ours = (one.spec for one in read(spec=base, budget="epochs"))
    assert (control.training.epochs, ours.training.epochs) == (4, 8)
    assert (control.optimizer.milestones, ours.optimizer.milestones) == ((2, 3), (4, 6))
    assert (control.optimizer.warmup_epochs, ours.optimizer.warmup_epochs) == (2, 3)
    auto = read(spec={"training": {"epochs": 8}}, budget="epochs")[0]
    assert auto.spec.optimizer.milestones == "auto"
    assert "warmup_epochs" not in auto.spec.optimizer.model_fields_set


def test_all_that_is_counted_in_epochs_is_halved():
    methods = [{"name": "dkd", "teacher": "model_1", "warmup_epochs": 20}]
    base = {"training": {"epochs": 40, "early_stopping": {"patience_epochs": 5}}}
    _, dkd = (one.spec for one in read(spec=base, methods=methods, budget="epochs"))
    assert (dkd.training.epochs, dkd.training.early_stopping.patience_epochs, dkd.method.warmup_epochs) == (20, 3, 10)


def test_two_view_methods_are_all_that_see_an_image_or_its_kin_twice_a_step():
    plain = {"cross_entropy", "label_smoothing", "mixup", "cutmix", "tf_kd_reg", "ps_kd", "byot", "frskd", "uskd"}
    double = {"patch_swap", "patch_swap_only", "cs_kd", "ddgsd", "dlb", "bake", "mixskd"}
    found = read(methods=sorted(plain | double))
    assert {one.label for one in found if is_plain(one.spec.method)} == plain


def test_epochs_that_have_no_half_are_refused_where_they_stand():
    base = {"training": {"epochs": 7}, "optimizer": {"milestones": [4, 5]}}
    assert pointers(spec=base, budget="epochs") == ["/spec/training/epochs", "/spec/optimizer/milestones/1"]
    assert pointers(spec=base) == []


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"methods": ["patch_swap", "no_such"]}, "/methods/1"),
    ({"methods": [{"name": "no_such", "x": 1}]}, "/methods/0/name"),
    ({"methods": ["patch_swap_only", {"name": "patch_swap", "temperature": 0}]}, "/methods/1/temperature"),
    ({"methods": [{"name": "patch_swap", "colour": 1}]}, "/methods/0/colour"),
    ({"methods": [{"temperature": 1}]}, "/methods/0"),
    ({"methods": [5]}, "/methods/0"),
    ({"methods": []}, "/methods"),
    ({"methods": "patch_swap"}, "/methods"),
    ({"methods": ["cross_entropy"]}, "/methods"),
    ({"methods": ["patch_swap"] * 2}, "/methods/1"),
    ({"methods": ["patch_swap", {"name": "patch_swap", "temperature": 4}]}, "/methods/1"),
    ({"methods": ["patch_swap", "cross_entropy", "cross_entropy"]}, "/methods/2"),
    ({"methods": [f"m{index}" for index in range(41)]}, "/methods"),
    ({"seeds": 0}, "/seeds"),
    ({"seeds": True}, "/seeds"),
    ({"seeds": []}, "/seeds"),
    ({"seeds": [1, -1]}, "/seeds/1"),
    ({"seeds": ["x"]}, "/seeds/0"),
    ({"seeds": [1, 1]}, "/seeds"),
    ({"seeds": 101}, "/seeds"),
    ({"budget": "steps"}, "/budget"),
    ({"spec": {"training": {"epochs": 0}}}, "/spec/training/epochs"),
    ({"spec": {"recipe": "none"}}, "/spec/recipe"),
    ({"spec": {"colour": 1}}, "/spec/colour"),
    ({"spec": {"method": {"name": "patch_swap"}}}, "/spec/method"),
    ({"spec": {"seed": 1}}, "/spec/seed"),
    ({"spec": {"control": True}}, "/spec/control"),
    ({"spec": {"dataset": "ds_2"}}, "/spec/dataset"),
    ({"spec": []}, "/spec"),
    ({"labels": {"a b": "c"}}, "/labels/a b"),
    ({"colour": 1}, "/colour"),
    ({"name": ""}, "/name"),
]


@pytest.mark.parametrize(("fault", "pointer"), FAULTS, ids=lambda value: str(value)[:60])
def test_fault_points_to_where_it_was_written(fault: dict[str, Any], pointer: str):
    assert pointers(**fault) == [pointer]


def test_all_faults_are_told_at_once_and_each_once():
    methods = [{"name": "patch_swap", "kd_weight": -1}, "no_such", "patch_swap_only"]
    spec = {"seed": 1, "training": {"epochs": 0, "pairs_per_batch": 0}}
    assert sorted(pointers(methods=methods, spec=spec)) == [
        "/methods/0/kd_weight",
        "/methods/1",
        "/spec/seed",
        "/spec/training/epochs",
        "/spec/training/pairs_per_batch",
    ]
