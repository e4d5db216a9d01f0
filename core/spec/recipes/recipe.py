"""What a recipe is."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    name: str
    description: str
    spec: dict[str, Any]
    parameters: int  # at ten classes and three channels, counted by tests/trainer/test_recipes.py
    macs: int  # of one image of `reference_size`
    reference_size: tuple[int, int]
    run_here: bool = False  # whether a published figure of this project comes from it
