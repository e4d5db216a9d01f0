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
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": "`psk_...`"}}
    document["security"] = [{"key": []}]
    for path in OPEN:
        for operation in document["paths"][path].values():
            operation["security"] = []
    schemas = components["schemas"]
    for model in (ComparisonSpec, JobSpec, ProblemDetails, SweepSpec):
        schema = model.model_json_schema(ref_template=_COMPONENTS)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    components["schemas"] = dict(sorted(schemas.items()))
    return document
