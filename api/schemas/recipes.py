"""Recipes: named starting points of a job spec."""

from typing import Any

from pydantic import BaseModel, Field


class Recipe(BaseModel):
    name: str
    description: str
    spec: dict[str, Any] = Field(description="What the recipe sets; a job's own fields go over it.")
    defaults: dict[str, Any] = Field(description="The whole spec of a job that names nothing but this recipe.")
    parameters: int = Field(description="At ten classes and three channels.")
    macs: int = Field(description="Of one image of the reference size.")
    reference_size: list[int] = Field(min_length=2, max_length=2, description="Height, width.")
    run_here: bool = Field(description="Whether a published figure of this project comes from it.")
    links: dict[str, str]
