"""The OpenAPI document as the service gives it: FastAPI's own, completed by what it cannot know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.identity.authentication import OPEN
from api.schemas.problem import ProblemDetails
from contract.specs import JobSpec
from core.comparisons.spec import ComparisonSpec
from core.sweeps.spec import SweepSpec

_COMPONENTS = "#/components/schemas/{model}"


_DESCRIPTION = """
Every answer of 400 and above is `application/problem+json`. Every POST takes an `Idempotency-Key`.
Lists are read by `after=<last_id>`. A resource's `ETag` serves `If-None-Match` on GET and `If-Match` on DELETE.
"""


def describe(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document, completed by what it cannot know: keys, problems, and the specs that `core` reads."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=_DESCRIPTION.strip(),
        routes=app.routes,
    )
    components = document["components"]
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key, `psk_...`."}
    }
    document["security"] = [{"key": []}]
    for path in OPEN & document["paths"].keys():
        for operation in document["paths"][path].values():
            operation["security"] = []
    schemas = components["schemas"]
    for model in (ComparisonSpec, JobSpec, ProblemDetails, SweepSpec):
        schema = model.model_json_schema(ref_template=_COMPONENTS)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    components["schemas"] = dict(sorted(schemas.items()))
    for name, schema in schemas.items():
        if "__" in name:  # two classes of one name: only their modules tell them apart
            *_, folder, module, own = name.split("__")
            schema["title"] = f"{folder.capitalize()}{module.capitalize()}{own}"
    _set_objects_aside(document)
    for operation in _operations(document):
        _say_that_a_body_may_be_left_out(operation.get("requestBody", {}))
    for name in _asked_with(document):
        for field in schemas[name].get("properties", {}).values():
            if "default" in field:
                field["x-default"] = field.pop("default")
    return document


def _asked_with(document: dict[str, Any]) -> set[str]:
    """Schemas of request bodies.

    A field of theirs that may be left out has an `x-default`, and no `default`: openapi-typescript takes a field with a
    default for one that is always there, which is true of answers only, and has its users write it.
    """
    found: set[str] = set()
    todo = [name for operation in _operations(document) for name in _references(operation.get("requestBody", {}))]
    while todo:
        if (name := todo.pop()) not in found:
            found.add(name)
            todo += _references(document["components"]["schemas"][name])
    return found


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def _say_that_a_body_may_be_left_out(body: dict[str, Any]) -> None:
    """And not that it may be null: a client that openapi-python-client generated of that cannot leave it out."""
    for content in body.get("content", {}).values() if not body.get("required") else ():
        schema = content["schema"]
        kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            schema.pop("title", None)  # of the argument that takes it
            content["schema"] = kinds[0] | schema
        elif kinds:
            schema["anyOf"] = kinds


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(named := part.get("$ref"), str):
            yield named.rpartition("/")[2]
        part = list(part.values())
    for inner in part if isinstance(part, list) else ():
        yield from _references(inner)


def _set_objects_aside(part: Any) -> None:
    """Defaults that are objects become `x-default`: generators of clients drop each operation that has one.

    Nothing is lost: an object's own schema has the default of each of its fields.
    """
    if isinstance(part, dict):
        default = part.get("default")
        if isinstance(default, dict) or (isinstance(default, list) and any(isinstance(each, dict) for each in default)):
            part["x-default"] = part.pop("default")
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _set_objects_aside(inner)
