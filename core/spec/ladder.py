"""What is tried of an int8 export, one after the other, until a file keeps its constraints; and what came of it."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from core.spec.strict import Strict

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
            raise ValueError("name each rung once")
        return rungs

    def epochs_of_qat(self, training_epochs: int) -> int:
        if self.qat_epochs is not None:
            return self.qat_epochs
        return min(QAT_MOST, max(QAT_LEAST, round(QAT_SHARE * training_epochs)))
