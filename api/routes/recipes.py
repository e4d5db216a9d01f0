"""Recipes and the JSON Schema of a job spec."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from api.identity.authentication import MUST_READ
from api.routes import documented
from api.schemas.recipes import Recipe
from api.wire import answers, paging, schema_defaults, schema_tasks
from api.wire.bodies import JsonRoute
from api.wire.paging import Page
from contract.specs import JobSpec, parse, recipes
from core.errors import NotFound

router = APIRouter(prefix="/v1/recipes", tags=["recipes"], route_class=JsonRoute, dependencies=[MUST_READ])
_GET = documented.problems(*documented.READ) | documented.NOT_MODIFIED
Name = Annotated[str, Path(max_length=64, examples=["resnet18"])]


@router.get(
    "",
    operation_id="list_recipes",
    response_model=Page[Recipe],
    responses=documented.problems(401, 403, 429, 500, 503),
)
def list_recipes(request: Request) -> Response:
    found = [(name, _page(recipe)) for name, recipe in recipes.RECIPES.items()]
    return paging.page(request, found, len(found))


@router.get("/{name}", operation_id="get_recipe", response_model=Recipe, responses=_GET)
def get_recipe(request: Request, name: Name) -> Response:
    return answers.one(request, _page(_find(name)))


@router.get("/{name}/schema", operation_id="get_recipe_schema", response_model=dict[str, Any], responses=_GET)
def get_recipe_schema(request: Request, name: Name) -> Response:
    """Read the JSON Schema of a job spec, with the defaults of this recipe. `x-tasks` says what suits which task."""
    recipe = _find(name)
    schema = schema_tasks.with_tasks(JobSpec.model_json_schema())
    schema = schema_defaults.with_defaults(schema, _defaults(recipe))
    return answers.one(request, {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def _find(name: str) -> recipes.Recipe:
    if name not in recipes.RECIPES:
        raise NotFound(f"There is no recipe of this name. Take one of {', '.join(recipes.RECIPES)}.")
    return recipes.RECIPES[name]


def _defaults(recipe: recipes.Recipe) -> dict[str, Any]:
    spec = parse({"dataset": "dsv_", "recipe": recipe.name}).model_dump(mode="json")
    del spec["dataset"]
    return spec


def _page(recipe: recipes.Recipe) -> Recipe:
    path = f"/v1/recipes/{recipe.name}"
    return Recipe(
        name=recipe.name,
        description=recipe.description,
        spec=recipe.spec,
        defaults=_defaults(recipe),
        parameters=recipe.parameters,
        macs=recipe.macs,
        reference_size=list(recipe.reference_size),
        run_here=recipe.run_here,
        links={"self": path, "schema": f"{path}/schema"},
    )
