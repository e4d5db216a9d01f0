"""Which network a spec publishes where `control` trains two."""

from __future__ import annotations

import pytest

from contract.specs import SpecInvalid, parse, resolve, settle
from tests.contract.specs.test_resolution import manifest

WITH_VAL = {"counts": {"train": {"a": 40, "b": 40}, "val": {"a": 5, "b": 5}, "test": {"a": 10, "b": 10}}}


def resolved(body, **changes):
    return resolve(parse({"dataset": "dsv_1", **body}), manifest(**(WITH_VAL | changes)))


@pytest.mark.parametrize(
    ("body", "selection"),
    [
        ({}, "main"),
        ({"control": True}, "better"),
        ({"control": True, "selection": "main"}, "main"),
        ({"control": True, "selection": "better"}, "better"),
    ],
)
def test_better_is_the_default_where_a_control_is_trained(body, selection):
    spec, warnings = resolved(body)
    assert spec.selection == selection
    assert not [warning for warning in warnings if warning.pointer == "/selection"]


def test_without_a_validation_split_the_main_arm_is_published_with_a_warning():
    spec, warnings = resolve(parse({"dataset": "dsv_1", "control": True}), manifest())
    assert spec.selection == "main"
    assert [warning.code for warning in warnings if warning.pointer == "/selection"] == ["nothing_to_choose_by"]


@pytest.mark.parametrize(
    ("body", "pack", "code"),
    [
        ({"selection": "better"}, WITH_VAL, "needs_control"),
        ({"selection": "better", "control": True}, {}, "no_validation_split"),
    ],
)
def test_better_is_refused_where_there_is_nothing_to_choose_from_or_by(body, pack, code):
    with pytest.raises(SpecInvalid) as refused:
        resolve(parse({"dataset": "dsv_1", **body}), manifest(**pack))
    assert [(found.pointer, found.code) for found in refused.value.violations] == [("/selection", code)]


def test_a_stored_spec_without_the_field_keeps_publishing_the_main_arm():
    stored = resolved({"control": True})[0].model_dump(mode="json")
    del stored["selection"]
    assert settle(stored, manifest(**WITH_VAL))[0].selection == "main"
    undecided = stored | {"task": None}  # an older release's, which is resolved anew
    assert settle(undecided, manifest(**WITH_VAL))[0].selection == "main"


def test_main_is_not_stored_for_workers_of_an_earlier_release_refuse_the_field():
    assert "selection" not in resolved({})[0].model_dump(mode="json")
    assert resolved({"control": True})[0].model_dump(mode="json")["selection"] == "better"
