import pytest
from pydantic import ValidationError

from contract.specs.reading import AS_FOUND, ReadingSpec


def test_nothing_asked_states_nothing():
    assert AS_FOUND.stated == frozenset()


def test_a_field_that_no_reader_used_is_named():
    asked = ReadingSpec(classes_at=2, map={"255": "1"}, unlabelled="auto")
    assert asked.beyond({"map"}) == ["classes_at"]


def test_a_labelmap_needs_a_value_or_a_colour():
    with pytest.raises(ValidationError, match="value or a colour"):
        ReadingSpec.model_validate({"labelmap": [{"name": "crack"}]})


@pytest.mark.parametrize("depth", [0, True, -1, ""])
def test_a_depth_counts_from_one(depth):
    with pytest.raises(ValidationError):
        ReadingSpec.model_validate({"classes_at": depth})
