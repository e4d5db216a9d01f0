"""The sweep spec: ranges over a job's spec, and the bodies of its jobs. Whether they can run is in `feasibility`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, StringConstraints, ValidationError

from contract.specs.job import DatasetReference, LabelKey, LabelValue
from contract.specs.recipes import merge
from contract.specs.training import ValidationMetric
from contract.specs.violations import SpecInvalid, violations_of
from contract.strict import Strict
from core.sweeps.presets import PresetName, laid_under

# Trials are judged on validation, cheaply: no test split, no files, no twin, no attacks.
TRIAL = {"evaluation": {"test": False, "calibration": False, "robustness": []}, "exports": [], "control": False}

Scalar = StrictBool | StrictInt | StrictFloat | StrictStr | None


class FloatRange(Strict):
    type: Literal["float"]
    low: float
    high: float
    log: bool = Field(default=False, description="Even over the exponents, as suits rates.")


class IntRange(Strict):
    type: Literal["int"]
    low: int
    high: int
    step: int = Field(1, ge=1)
    log: bool = False


class Choice(Strict):
    type: Literal["categorical"]
    values: tuple[Scalar, ...] = Field(min_length=1, max_length=64)


Range = Annotated[FloatRange | IntRange | Choice, Field(discriminator="type")]
Params = Mapping[str, Any]  # path -> value, of one trial


class AshaSpec(Strict):
    min_epochs: int = Field(1, ge=1, description="The first rung: nothing is pruned before it.")
    reduction_factor: int = Field(4, ge=2, le=100, description="At each rung, one trial in this many continues.")


class SweepSpec(Strict):
    dataset: DatasetReference = Field(
        description="A version or a dataset, with a val and a test split; every trial uses the version taken now."
    )
    name: Annotated[str, StringConstraints(min_length=1, max_length=150)] | None = None
    spec: dict[str, Any] = Field({}, description="The part of a job's spec that all trials share, recipe included.")
    preset: PresetName | None = Field(
        None, description="Ranges that are known to matter for a method. Ranges and fields of your own win."
    )
    space: dict[str, Range] = Field(
        {},
        validate_default=True,
        min_length=1,
        max_length=16,
        description="Path into the spec, as optimizer.learning_rate, to what it may be. Needed without `preset`.",
    )
    algorithm: Literal["random", "asha"] = Field(
        "random", description="`asha`: random, but trials that are behind at a rung are ended early."
    )
    asha: AshaSpec | None = None
    trials: int = Field(ge=1, le=500)
    max_concurrent: int = Field(2, ge=1, le=32, description="Trials queued or running; 2 leave one worker no gap.")
    metric: ValidationMetric = Field(
        "auto", description="`auto`: val.top1_accuracy, val.mean_iou or val.ap, by the task."
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Of the search; the training's own is spec.seed.")
    labels: dict[LabelKey, LabelValue] = Field({}, max_length=64)

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        return "minimize" if self.metric == "val.nll" else "maximize"

    @property
    def rungs(self) -> AshaSpec:
        return self.asha or AshaSpec()


def parse_sweep(body: Mapping[str, Any]) -> SweepSpec:
    """Raises SpecInvalid."""
    try:
        return SweepSpec.model_validate(laid_under(body))
    except ValidationError as error:
        raise SpecInvalid(violations_of(error, body)) from error


def final_body(sweep: SweepSpec, params: Params) -> dict[str, Any]:
    """The body of the final job: what the trials share, with one trial's values."""
    beside = {"dataset": sweep.dataset, "name": sweep.name, "labels": sweep.labels}
    return merge(sweep.spec, _nested(params)) | beside


def trial_body(sweep: SweepSpec, params: Params, number: int) -> dict[str, Any]:
    """The body of one trial's job: it never touches the test split."""
    name = f"{sweep.name}: trial {number}" if sweep.name else None
    return final_body(sweep, params) | TRIAL | {"name": name}


def _nested(params: Params) -> dict[str, Any]:
    """{"a.b": 1, "a.c": 2} as {"a": {"b": 1, "c": 2}}."""
    nested: dict[str, Any] = {}
    for path, value in params.items():
        *parents, name = path.split(".")
        here = nested
        for parent in parents:
            here = here.setdefault(parent, {})
        here[name] = value
    return nested
