"""Named starting points: architecture, method and defaults. A spec is a recipe with the customer's fields over it."""

from contract.specs.recipes.literature import LITERATURE
from contract.specs.recipes.recipe import Recipe, merge
from contract.specs.recipes.starting_points import DEFAULTS, STARTING_POINTS

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (*STARTING_POINTS, *LITERATURE)}

__all__ = ["DEFAULTS", "RECIPES", "Recipe", "merge"]
