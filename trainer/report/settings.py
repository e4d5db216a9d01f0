"""Settings as a person reads them, in the model card and in the report."""

import json
from collections.abc import Mapping
from typing import Any


def settings_as_text(values: Mapping[str, Any]) -> str:
    """`name value, name value`: texts bare, other values as JSON; what is null is not used and left out."""
    return ", ".join(f"{name} {_text(value)}" for name, value in values.items() if value is not None)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return f"({settings_as_text(value)})"
    return json.dumps(value)
