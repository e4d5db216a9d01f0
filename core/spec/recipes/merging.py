"""How a spec is laid over a recipe."""

from collections.abc import Mapping
from typing import Any


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes` over `base`, object by object. A part that names another method or optimizer replaces the old part."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        mergeable = isinstance(old, Mapping) and isinstance(value, Mapping)
        same_kind = mergeable and value.get("name", old.get("name")) == old.get("name")  # type: ignore[union-attr]
        merged[key] = merge(old, value) if same_kind and key != "labels" else value  # type: ignore[arg-type]
    return merged
