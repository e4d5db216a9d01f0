"""The OpenAPI document as the service gives it: FastAPI's own, completed by what it cannot know."""

from __future__ import annotations

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
    return document


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
