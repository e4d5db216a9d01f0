"""What is tried of an int8 export, one after the other, until a file keeps its constraints; and what came of it."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from contract.formats import FORMATS, NEWEST_OPSET, OLDEST_OPSET, FormatName, Precision
from contract.strict import Strict

Rung = Literal["int8", "mixed", "qat", "fp16"]
RUNGS: tuple[Rung, ...] = ("int8", "mixed", "qat", "fp16")
QAT_SHARE = 0.1  # of the training's epochs, where nothing else is asked
QAT_LEAST, QAT_MOST = 2, 20  # epochs, there


class LadderSpec(Strict):
    """Climbed by exports of precision int8 that have constraints, on images that are not the test split's."""

    rungs: Annotated[tuple[Rung, ...], Field(min_length=1, max_length=len(RUNGS))] = Field(
        RUNGS,
        description="Tried in this order. int8: as it is; mixed: the layers that suffer most in fp32; qat: int8 after "
        "fine-tuning with rounding, in exports of the job itself; fp16: weights of half the bytes.",
    )
    qat_epochs: int | None = Field(
        None, ge=1, le=1000, description="Null: a tenth of training.epochs, between 2 and 20."
    )

    @field_validator("rungs")
    @classmethod
    def _tries_each_once(cls, rungs: tuple[Rung, ...]) -> tuple[Rung, ...]:
        if len(set(rungs)) < len(rungs):
            raise ValueError("Name each rung once.")
        return rungs

    def epochs_of_qat(self, training_epochs: int) -> int:
        if self.qat_epochs is not None:
            return self.qat_epochs
        return min(QAT_MOST, max(QAT_LEAST, round(QAT_SHARE * training_epochs)))


class Constraints(Strict):
    max_drop_points: float | None = Field(
        None,
        ge=0,
        le=100,
        description="Points, of a hundred, below the trained net: of top-1 accuracy, mIoU or COCO's AP, by the task.",
    )
    max_bytes: int | None = Field(None, ge=1, description="Limit on the bytes of the model file.")
    max_latency_ms: float | None = Field(
        None, gt=0, description="Limit on the median latency in ms, one thread, batch 1, on the worker."
    )


class ExportSpec(Strict):
    format: FormatName = "onnx"
    precision: Precision = "fp32"
    opset: int | None = Field(
        None,
        ge=OLDEST_OPSET,
        le=NEWEST_OPSET,
        description=f"ONNX opset of the file. Null: {OLDEST_OPSET}, the oldest that holds these networks, which the "
        "oldest runtimes open. ONNX files only.",
    )
    constraints: Constraints = Constraints()
    ladder: LadderSpec = Field(
        LadderSpec(),
        description="What is tried to keep the constraints of an int8 file; of other files without effect.",
    )

    @property
    def climbs(self) -> bool:
        """Whether there is something to keep, and more than one way to."""
        return self.precision == "int8" and self.constraints != Constraints()

    @field_validator("precision")
    @classmethod
    def _offered(cls, precision: Precision, info: ValidationInfo) -> Precision:
        terms = FORMATS.get(info.data.get("format", ""))  # none where the format itself was refused
        if terms and precision not in terms.precisions:
            raise ValueError(f"{info.data['format']} has no {precision}; it has {', '.join(terms.precisions)}.")
        return precision

    @field_validator("opset")
    @classmethod
    def _of_onnx(cls, opset: int | None, info: ValidationInfo) -> int | None:
        name = info.data.get("format")  # none where the format itself was refused
        if opset is not None and name not in (None, "onnx"):
            raise ValueError(f"Only ONNX files have an opset. Leave it out of a file in {name}.")
        return opset
