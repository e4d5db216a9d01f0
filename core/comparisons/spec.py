"""What a customer may ask of a comparison, as far as its form goes. The methods themselves are read by `contenders`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from contract.specs import SpecInvalid, violations_of
from contract.specs.job import DatasetReference, LabelKey, LabelValue

MAX_METHODS = 40
MAX_JOBS = 200
DEFAULT_SEEDS = 5  # an interval over fewer says little: with two it is 12.7 standard errors wide, with five 2.8

Budget = Literal["images_seen", "epochs"]


def _with_name(entry: Any) -> Any:
    if isinstance(entry, str):
        return {"name": entry}
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise ValueError(  # noqa: TRY004 - pydantic makes a fault of it
            'Give a name, such as "patch_swap", or an object with a name and settings.'
        )
    return entry


def _counted(seeds: Any) -> Any:
    """A count stands for 0, 1, 2 ..."""
    if not isinstance(seeds, int) or isinstance(seeds, bool):
        return seeds
    if not 1 <= seeds <= MAX_JOBS:
        raise ValueError(f"A count of seeds must be from 1 to {MAX_JOBS}; you sent {seeds}.")
    return list(range(seeds))


def _distinct(seeds: list[int]) -> list[int]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("Name each seed once: the same training again shows nothing new.")
    return seeds


Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Method = Annotated[
    dict[str, Any],
    BeforeValidator(_with_name),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
            ]
        },
    ),
]
_SEEDS_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": MAX_JOBS},
        {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}, "minItems": 1},
    ],
    "default": DEFAULT_SEEDS,
    "description": "The seeds, or how many: n stands for 0 to n - 1. All methods train with the same ones.",
}


# Lists: a tuple whose one item is at fault is also called too short by pydantic.
class ComparisonSpec(BaseModel):
    """Methods to train on one dataset, with the same seeds and on the same budget."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: Annotated[str, StringConstraints(min_length=1, max_length=120)] | None = None
    dataset: DatasetReference = Field(
        description="A dataset version (dsv_...) or a dataset (ds_...), whose latest version is taken."
    )
    spec: dict[str, Any] = Field(
        {},
        description="What the jobs have in common, as in a job: recipe, model, optimizer, training, evaluation, "
        "exports. Trials export nothing unless exports are named.",
    )
    methods: list[Method] = Field(
        min_length=1,
        max_length=MAX_METHODS,
        description="Names, or objects of a name and settings. cross_entropy, the control, is added where missing.",
    )
    seeds: Annotated[
        list[Seed],
        Field(min_length=1, max_length=MAX_JOBS),
        BeforeValidator(_counted),
        AfterValidator(_distinct),
        WithJsonSchema(_SEEDS_SCHEMA),
    ] = list(range(DEFAULT_SEEDS))
    budget: Budget = Field(
        "images_seen",
        description="`images_seen`: equally many for each method, in equally many epochs. `epochs`: as the literature "
        "counts. A plain method sees an image once an epoch, a two-view method twice, so plain methods get half of "
        "training.epochs, and half the images.",
    )
    labels: dict[LabelKey, LabelValue] = Field({}, max_length=64, description="Also of each of the jobs.")


def parse(body: Mapping[str, Any]) -> ComparisonSpec:
    """Raises SpecInvalid."""
    try:
        return ComparisonSpec.model_validate(body)
    except ValidationError as error:
        raise SpecInvalid(violations_of(error, body)) from error
