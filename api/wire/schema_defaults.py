"""Defaults written into a JSON Schema, at every depth."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]


def with_defaults(schema: Schema, values: Mapping[str, Any]) -> Schema:
    """The same schema in which `default` of each named property is what `values` has for it.

    A definition that is used at several places has the defaults of one place only; a job spec's are used once.
    """
    changed = copy.deepcopy(schema)
    changed["default"] = dict(values)
    _set(changed, values, changed.get("$defs", {}))
    return changed


def _set(schema: Schema, values: Mapping[str, Any], definitions: Mapping[str, Schema]) -> None:
    for name, part in schema.get("properties", {}).items():
        if name not in values or "const" in part:
            continue
        part["default"] = values[name]
        if isinstance(values[name], Mapping):
            for inner in _objects(part, values[name], definitions):
                _set(inner, values[name], definitions)


def _objects(part: Schema, value: Mapping[str, Any], definitions: Mapping[str, Schema]) -> Iterator[Schema]:
    """The schemas of objects that `value` can be of: of several variants, the one with the same constants."""
    if "$ref" in part:
        part = definitions[part["$ref"].rpartition("/")[2]]
    if "properties" in part:
        constants = {name: one["const"] for name, one in part["properties"].items() if "const" in one}
        if all(value.get(name) == constant for name, constant in constants.items()):
            yield part
    for variant in [*part.get("anyOf", []), *part.get("oneOf", [])]:
        yield from _objects(variant, value, definitions)
