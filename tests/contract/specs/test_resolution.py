"""From a request to a runnable spec: pointers that lead to the fault, `auto` made concrete, equal image budgets."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.pack.manifest import PackManifest
from contract.specs import SpecInvalid, parse, plan, resolve, settle
from contract.specs.recipes import RECIPES
from contract.tasks import TERMS


def manifest(**changes) -> PackManifest:
    fields = {
        "classes": ["a", "b"],
        "samples": 100,
        "counts": {"train": {"a": 40, "b": 40}, "test": {"a": 10, "b": 10}},
        "encoding": "raw",
        "channels": 1,
        "image_size": (32, 32),
        "median_size": (32, 32),
        "mean": [0.1],
        "std": [0.3],
        "pairability": {"share": 1.0, "unpairable_classes": []},
        "evaluation_split": "test",
        "digest": "0" * 64,
        "bytes": 1,
    }
    return PackManifest.model_validate(fields | changes)


def violations(body, pack=None):
    with pytest.raises(SpecInvalid) as caught:
        resolve(parse(body), pack or manifest())
    return {v.pointer: v.code for v in caught.value.violations}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"method": {"patch_size": 5}}, "/method/patch_size"),
        ({"method": {"patch_size": 32}}, "/method/patch_size"),
        ({"method": {"name": "patch_swap", "kd_weight": -1}}, "/method/kd_weight"),
        ({"method": {"kd_weight": math.nan}}, "/method/kd_weight"),
        ({"method": {"name": "no_such"}}, "/method/name"),
        ({"method": {"patchsize": 4}}, "/method/patchsize"),
        ({"model": {"architecture": "resnet19"}}, "/model/architecture"),
        ({"training": {"epochs": 0}}, "/training/epochs"),
        ({"training": {"epochs": 1e9}}, "/training/epochs"),
        ({"training": {"image_size": 7}}, "/training/image_size"),
        ({"optimizer": {"learning_rate": math.inf}}, "/optimizer/learning_rate"),
        ({"optimizer": {"milestones": [5, 5]}}, "/optimizer/milestones"),
        ({"optimizer": {"name": "adamw", "nesterov": True}}, "/optimizer/nesterov"),
        ({"exports": [{"precision": "int8"}, {"precision": "int4"}]}, "/exports/1/precision"),
        ({"recipe": "no_such"}, "/recipe"),
        ({"tenant": "mine"}, "/tenant"),
        ({"labels": {"a~b/c d": "x"}}, "/labels/a~0b~1c d"),
    ],
)
def test_a_fault_is_named_by_its_pointer(changes, pointer):
    assert pointer in violations({"dataset": "dsv_1", **changes})


def test_a_name_that_is_not_known_comes_with_the_remedy():
    with pytest.raises(SpecInvalid) as found:
        parse({"dataset": "d", "training": {"epoch": 5}, "method": {"name": "magic"}})
    told = {violation.pointer: violation.message for violation in found.value.violations}
    assert "Correct its name" in told["/training/epoch"]
    assert told["/method/name"].startswith("There is no 'magic'. Take one of 'cross_entropy', ")


def test_a_missing_dataset_is_named():
    assert violations({}) == {"/dataset": "missing"}


def test_every_recipe_resolves_for_small_images_of_its_task():
    for name, recipe in RECIPES.items():
        asked = parse({"dataset": "dsv_1", "recipe": name})
        [task] = [task for task, terms in TERMS.items() if asked.model.architecture in terms.architectures]
        resolved, _ = resolve(asked, manifest(task=task, image_size=(8, 8), median_size=(8, 8)))
        side = recipe.spec.get("training", {}).get("image_size", 8)
        assert (resolved.height, resolved.width) == (side, side)


def test_fields_lie_over_the_recipe_and_another_method_replaces_it():
    spec = parse({"dataset": "d", "recipe": "resnet20_short", "training": {"epochs": 3}})
    assert (spec.training.epochs, spec.training.pairs_per_batch) == (3, 32)
    assert (
        parse({"dataset": "d", "recipe": "resnet20_short", "method": {"name": "cross_entropy"}}).method.name
        == "cross_entropy"
    )
    assert parse({"dataset": "d", "recipe": "resnet20_short", "method": {"patch_size": 2}}).method.kd_weight == 0.25


@given(height=st.integers(8, 512), width=st.integers(8, 512))
def test_auto_patch_size_divides_and_leaves_several_patches(height, width):
    spec = parse({"dataset": "d", "training": {"image_size": [height, width]}})
    resolved, _ = resolve(spec, manifest())
    size = resolved.method.patch_size
    assert height % size == 0
    assert width % size == 0
    assert size <= min(height, width) // 4


@given(images=st.integers(1, 5000), pairs=st.integers(1, 256), epochs=st.integers(1, 50))
def test_every_method_sees_as_many_images(images, pairs, epochs):
    pack = manifest(counts={"train": {"a": images}})
    body = {"dataset": "d", "training": {"pairs_per_batch": pairs, "epochs": epochs}}
    swap = plan(resolve(parse(body), pack)[0], pack)
    plain = plan(resolve(parse(body | {"method": {"name": "cross_entropy"}}), pack)[0], pack)
    assert swap.steps * swap.images_per_step == plain.steps * plain.images_per_step
    assert swap.steps_per_epoch >= 1


def test_a_resolved_spec_survives_json():
    resolved, _ = resolve(parse({"dataset": "d"}), manifest())
    again = type(resolved).model_validate(json.loads(resolved.model_dump_json()))
    assert again == resolved


@pytest.mark.parametrize(("schedule", "warned"), [("step", True), ("cosine", False), ("constant", False)])
def test_milestones_are_warned_about_only_where_they_count(schedule, warned):
    body = {"dataset": "d", "training": {"epochs": 1}, "optimizer": {"schedule": schedule, "milestones": [1]}}
    codes = [warning.code for warning in resolve(parse(body), manifest())[1]]
    assert ("milestone_unreached" in codes) == warned


def test_unpairable_classes_are_warned_about_only_where_pairs_are_needed():
    lonely = manifest(pairability={"share": 0.9, "unpairable_classes": ["b"]})
    codes = [w.code for w in resolve(parse({"dataset": "d"}), lonely)[1]]
    assert "class_unpairable" in codes
    assert not [
        w
        for w in resolve(parse({"dataset": "d", "recipe": "cross_entropy"}), lonely)[1]
        if w.code == "class_unpairable"
    ]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
    )
)
def test_no_body_of_any_shape_does_more_than_be_refused(body):
    fields = body if isinstance(body, dict) else {"dataset": "d", "method": body, "training": body, "recipe": body}
    try:
        pointers = []
        parse(fields)
    except SpecInvalid as error:
        pointers = [violation.pointer for violation in error.violations]
    assert all(pointer == "" or pointer.startswith("/") for pointer in pointers)


def test_a_stored_spec_is_settled_as_it_stands():
    stored = resolve(parse({"dataset": "dsv_1", "training": {"pairs_per_batch": 200}}), manifest())[0].model_dump(
        mode="json"
    )
    settled, warned = settle(stored, manifest())
    assert settled.model_dump(mode="json") == stored
    assert [w.code for w in warned] == ["batch_reduced"]


@pytest.mark.parametrize("old", [{"task": None}, {"training": {"augmentation": {"photometric": "auto"}}}])
def test_what_an_older_release_left_open_is_decided(old):
    resolved = resolve(parse({"dataset": "dsv_1"}), manifest())[0].model_dump(mode="json")
    stored = json.loads(json.dumps(resolved)) | {name: value for name, value in old.items() if value is None}
    if "training" in old:
        stored["training"]["augmentation"]["photometric"] = "auto"
    assert settle(stored, manifest())[0].model_dump(mode="json") == resolved


def test_a_stored_spec_is_held_against_the_dataset():
    stored = resolve(parse({"dataset": "dsv_1", "method": {"patch_size": 8}}), manifest())[0].model_dump(mode="json")
    with pytest.raises(SpecInvalid):
        settle(stored, manifest(task="segmentation"))
