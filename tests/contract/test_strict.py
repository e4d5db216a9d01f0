"""Fields that a later release adds: absent where they have their default, so that earlier releases read the spec."""

from typing import Annotated

import pytest
from pydantic import Field

from contract.specs import PatchSwapSpec
from contract.specs.job import JobSpec
from contract.strict import LATER, Strict


class Grown(Strict):
    first: int = 1
    later: Annotated[float, Field(ge=0), LATER] = 0.0


@pytest.mark.parametrize(("spec", "written"), [(Grown(), {"first": 1}), (Grown(later=0.5), {"first": 1, "later": 0.5})])
def test_a_later_field_is_written_only_where_it_differs(spec: Grown, written: dict[str, float]) -> None:
    assert spec.model_dump() == written
    assert Grown.model_validate(written) == spec


def test_the_json_schema_of_what_is_written_names_every_field() -> None:
    written = JobSpec.model_json_schema(mode="serialization")
    assert set(written["properties"]) == set(JobSpec.model_fields)
    assert "closing_share" in PatchSwapSpec.model_json_schema(mode="serialization")["properties"]
