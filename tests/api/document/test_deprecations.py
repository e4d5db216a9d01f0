"""The promise of docs/api/index.md: who calls a deprecated route is told so, and until when it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.api.test_openapi import document, operations

HEADERS = {"Deprecation", "Sunset"}


def silent(found: Sequence[tuple[str, str, dict[str, Any]]]) -> list[str]:
    """Deprecated operations with a successful answer that does not declare both headers."""
    return [
        operation["operationId"]
        for _, _, operation in found
        if operation.get("deprecated")
        for status, answer in operation["responses"].items()
        if status.startswith("2") and not answer.get("headers", {}).keys() >= HEADERS
    ]


def test_deprecated_operations_declare_their_headers():
    assert len(document()["paths"]) > 50
    assert silent(operations()) == []


def test_an_operation_that_does_not_is_found():
    told = {"200": {"headers": {name: {} for name in HEADERS}}}
    made = {"operationId": "old", "deprecated": True, "responses": {"204": {}, "422": {}}}
    assert silent([("GET", "/old", made)]) == ["old"]
    assert silent([("GET", "/old", made | {"responses": told})]) == []
