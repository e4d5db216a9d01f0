"""How to split a dataset that brings no splits of its own."""

from typing import Self

from pydantic import Field, model_validator

from contract.strict import Strict


class SplitRequest(Strict):
    """How to split an archive that brings no splits of its own. Fractions are of each class's images."""

    val: float = Field(0.1, ge=0, le=0.9)
    test: float = Field(0.2, ge=0, le=0.9)
    seed: int = Field(0, ge=0, le=2**32 - 1)
    train_per_class: int | None = Field(
        None, ge=1, description="Keep this many training images of each class and leave the others out."
    )

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> Self:
        if self.val + self.test >= 1:
            raise ValueError("`val` and `test` together must be below 1.")
        return self
