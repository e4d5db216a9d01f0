"""The job spec: what a customer may ask of one training. Meaning that needs the dataset is in `resolution`."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from contract.specs.compression import CompressionSpec
from contract.specs.exports import ExportSpec
from contract.specs.limits import LimitsSpec
from contract.specs.methods import MethodSpec, PatchSwapSpec
from contract.specs.model import ModelSpec
from contract.specs.training import OptimizerSpec, TrainingSpec
from contract.strict import LATER, Strict
from contract.tasks import TaskName

LabelKey = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9._/-]+$")]
LabelValue = Annotated[str, StringConstraints(max_length=255)]
DatasetReference = Annotated[str, StringConstraints(min_length=1, max_length=220)]  # a name of 200, "@", a number
SelectionRule = Literal["main", "better"]


class EvaluationSpec(Strict):
    test: bool = Field(
        default=True, description="False: the test split stays unread, validation is reported, and nothing is exported."
    )
    calibration: bool = True
    robustness: tuple[Literal["fgsm", "pgd", "corruptions"], ...] = Field(
        (),
        description="`fgsm`: one gradient step. `pgd`: ten steps, minutes on a CPU. `corruptions`: six families.",
    )


class JobSpec(Strict):
    dataset: DatasetReference = Field(
        description="A version (`NAME@2` or dsv_...), or a dataset (`NAME` or ds_...), whose latest version is taken."
    )
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    task: TaskName | None = Field(None, description="The dataset's; given, it must be the same.")
    recipe: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        None,
        description="Defaults for all that is not given; see /v1/recipes. Left out: the default recipe, chosen by the "
        "dataset and the worker's device; the job's `chosen` says what it is and why. Null: the default of each field.",
    )
    budget_seconds: Annotated[int | None, LATER] = Field(
        None,
        ge=30,
        le=2_592_000,
        description="Fit the default recipe's epochs and image size into this time, exports included. Only where "
        "`recipe` is left out; what you give yourself is kept.",
    )
    model: ModelSpec = ModelSpec()
    method: MethodSpec = PatchSwapSpec()
    optimizer: OptimizerSpec = OptimizerSpec()
    training: TrainingSpec = TrainingSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    compression: CompressionSpec = CompressionSpec()
    exports: tuple[ExportSpec, ...] = Field((ExportSpec(),), max_length=8)
    control: bool = Field(default=False, description="Also train a cross-entropy baseline on equally many images.")
    selection: Annotated[SelectionRule | Literal["auto"], LATER] = Field(
        "auto",
        description="Which network is published where `control` trains two. better: the one with the higher validation "
        "figure, the main arm on a tie. main: the one that `method` trained. auto: better with a control, else main.",
    )
    limits: Annotated[LimitsSpec | None, LATER] = Field(
        None,
        description="Beyond them the job saves a checkpoint and fails with `time_limit`. A `resume` goes on for as "
        "long again.",
    )
    seed: int = Field(0, ge=0, le=2**32 - 1)
    priority: int = Field(
        0,
        ge=-100,
        le=100,
        description="The highest of your own queued jobs starts first. Other tenants wait no longer.",
    )
    labels: dict[LabelKey, LabelValue] = Field({}, max_length=64)
