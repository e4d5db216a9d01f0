"""Why a body is refused: where, in the terms of what was sent, and what to do."""

from typing import Annotated

import pytest
from pydantic import BaseModel, StringConstraints, ValidationError

from contract.specs import JobSpec, ModelSpec, violations_of
from contract.specs.reading import ReadingSpec
from contract.specs.splits import SplitRequest
from core.sweeps.spec import SweepSpec


def found(model, body):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    return [(each.pointer, each.message) for each in violations_of(caught.value, body)]


def test_a_number_out_of_range_is_repeated():
    assert found(SplitRequest, {"val": 2}) == [("/val", "Must be at most 0.9; you sent 2.")]


def test_a_text_is_not_repeated():
    assert "secret" not in str(found(SplitRequest, {"val": "secret"}))


def test_a_rule_of_ours_stands_without_pydantics_prefix():
    assert found(SplitRequest, {"val": 0.6, "test": 0.6}) == [("", "`val` and `test` together must be below 1.")]


@pytest.mark.parametrize(
    ("body", "message"), [({"map": "a=b"}, "Must be an object."), ({"drop": "a"}, "Must be a list.")]
)
def test_kinds_are_those_of_json(body, message):
    assert [message for _, message in found(ReadingSpec, body)] == [message]


def test_a_text_of_the_wrong_form_or_length_is_told_in_our_words():
    class Named(BaseModel):
        name: Annotated[str, StringConstraints(max_length=3, pattern="^a")]

    assert found(Named, {"name": "b"}) == [("/name", "Must match the regular expression `^a`.")]
    assert found(Named, {"name": "abcd"}) == [("/name", "Must have at most 3 characters.")]
    assert found(Named, {"name": 1}) == [("/name", "Must be a text; you sent 1.")]


@pytest.mark.parametrize("name", ["x", "wts_", "model_ a"])
def test_what_cannot_name_weights_is_told_in_our_words(name):
    assert found(ModelSpec, {"pretrained": name})[0][1].startswith("Take auto, imagenet, null, or an id")


def test_the_arms_of_a_union_are_no_part_of_a_pointer():
    assert {pointer for pointer, _ in found(ReadingSpec, {"classes_at": [1]})} == {"/classes_at"}


def test_a_faulty_item_does_not_make_its_list_too_short():
    assert found(ReadingSpec, {"labelmap": [{"name": "a"}]}) == [("/labelmap/0", "Give a value or a colour.")]
    assert [pointer for pointer, _ in found(ReadingSpec, {"labelmap": []})] == ["/labelmap"]


def test_the_arm_of_a_union_that_fits_speaks_alone():
    assert found(ReadingSpec, {"classes_at": 0}) == [("/classes_at", "Must be at least 1; you sent 0.")]


@pytest.mark.parametrize("sent", [{"height": 16}, "large"])
def test_a_union_of_which_no_arm_fits_says_so_once_at_the_field(sent):
    said = [("/training/image_size", "Must be a whole number, a list or 'auto'.")]
    assert found(JobSpec, {"dataset": "ds", "training": {"image_size": sent}}) == said


def test_a_field_that_is_lacking_is_pointed_at():
    body = {"dataset": "ds", "spec": {}, "trials": 2}
    assert [pointer for pointer, _ in found(SweepSpec, body)] == ["/space"]
    assert [pointer for pointer, _ in found(SweepSpec, {"dataset": "ds", "spec": {}})] == ["/space", "/trials"]
