"""The OpenAPI document: `python -m api.openapi` writes docs/openapi.json, `--check` compares it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.authentication import OPEN
from api.schemas.problem import ProblemDetails
from contract.specs import JobSpec
from core.comparisons.spec import ComparisonSpec
from core.sweeps.spec import SweepSpec

PATH = Path(__file__).parent.parent / "docs" / "openapi.json"
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


def rendered() -> bytes:
    from api.app import create_app  # noqa: PLC0415 - the app installs `describe` from here

    return orjson.dumps(create_app().openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/openapi.json.")
    parser.add_argument("--check", action="store_true", help="only compare; ends 1 where they differ")
    if not parser.parse_args().check:
        PATH.write_bytes(rendered())
        return 0
    if PATH.is_file() and PATH.read_bytes() == rendered():
        return 0
    print("docs/openapi.json is not what the api serves; run `python -m api.openapi` and commit it", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
