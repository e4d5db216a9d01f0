"""Named starting points: architecture, method and defaults. A spec is a recipe with the customer's fields over it."""

from core.spec.recipes.literature import LITERATURE
from core.spec.recipes.merging import merge
from core.spec.recipes.recipe import Recipe
from core.spec.recipes.starting_points import DEFAULTS, STARTING_POINTS

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (*STARTING_POINTS, *LITERATURE)}

__all__ = ["DEFAULTS", "RECIPES", "Recipe", "merge"]
