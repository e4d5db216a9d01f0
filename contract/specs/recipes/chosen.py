"""What the default recipe chose for a dataset, and why."""

from typing import Any

from pydantic import Field

from contract.strict import Strict


class Chosen(Strict):
    recipe: str = Field(description="The rule that applied: fine_tuning, from_scratch, small_images, masks or boxes.")
    spec: dict[str, Any] = Field(description="The fields that it set; fields of the submission replace them.")
    reasons: tuple[str, ...] = Field(description="Sentences, the most important first.")

    @property
    def message(self) -> str:
        return f"No recipe was named; the default `{self.recipe}` was chosen. {' '.join(self.reasons)}"
