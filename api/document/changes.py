"""What a client of an older OpenAPI document can no longer rely on, change by change.

Not looked at: text, examples, new values of enums in answers, and loosened limits. Clients must bear those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Schema = Mapping[str, Any]
Side = Literal["request", "answer"]
_METHODS = ("get", "put", "post", "delete", "patch", "head")
# Whether a larger number allows more.
_LIMITS = {"maximum": 1, "exclusiveMaximum": 1, "maxLength": 1, "maxItems": 1, "minimum": -1, "exclusiveMinimum": -1}


@dataclass(frozen=True, order=True)
class Break:
    """`name` is what the changelog has to name: an operation, or a field of a schema."""

    name: str
    what: str


def breaks(old: Schema, new: Schema) -> list[Break]:
    """Sorted, each once."""
    return sorted(set(_Comparison(old, new).of_operations()))


class _Comparison:
    """Two documents, and the pairs of schemas that were compared already: schemas may contain themselves."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str, Side]] = set()

    def of_operations(self) -> Iterator[Break]:
        for path, methods in self._old["paths"].items():
            for method in methods.keys() & set(_METHODS):
                before, after = methods[method], self._new["paths"].get(path, {}).get(method)
                if after is None:
                    yield Break(before["operationId"], f"{method.upper()} {path} is gone")
                else:
                    yield from self._of_operation(before, after)

    def _of_operation(self, before: Schema, after: Schema) -> Iterator[Break]:
        name = before["operationId"]
        if after["operationId"] != name:
            yield Break(name, f"the operation is called {after['operationId']} now")
        yield from self._of_parameters(name, before, after)
        yield from self._of_body(name, before.get("requestBody", {}), after.get("requestBody", {}))
        for status, answer in before["responses"].items():
            if not status.startswith("2"):
                continue
            if status not in after["responses"]:
                yield Break(name, f"it no longer answers {status}")
                continue
            yield from self._of_content(name, answer, after["responses"][status], "answer")

    def _of_parameters(self, name: str, before: Schema, after: Schema) -> Iterator[Break]:
        old = {(each["in"], each["name"]): each for each in before.get("parameters", ())}
        new = {(each["in"], each["name"]): each for each in after.get("parameters", ())}
        for place, parameter in old.items():
            if place not in new:
                yield Break(name, f"the {place[0]} parameter {place[1]} is gone")
            else:
                yield from self._of_schema(name, parameter["schema"], new[place]["schema"], "request")
        for place, parameter in new.items():
            if parameter.get("required") and not old.get(place, {}).get("required"):
                yield Break(name, f"the {place[0]} parameter {place[1]} is required now")

    def _of_body(self, name: str, before: Schema, after: Schema) -> Iterator[Break]:
        if after.get("required") and not before.get("required"):
            yield Break(name, "a body is required now")
        yield from self._of_content(name, before, after, "request")

    def _of_content(self, name: str, before: Schema, after: Schema, side: Side) -> Iterator[Break]:
        for kind, content in before.get("content", {}).items():
            if kind not in after.get("content", {}):
                yield Break(name, f"{kind} is gone from the {side}")
            else:
                new = after["content"][kind]
                yield from self._of_schema(name, content.get("schema", {}), new.get("schema", {}), side)

    def _of_schema(self, name: str, before: Schema, after: Schema, side: Side) -> Iterator[Break]:
        """`name` is the nearest schema or operation that has one."""
        pair = (before.get("$ref", ""), after.get("$ref", ""), side)
        if any(pair[:2]):
            if pair in self._seen:
                return
            self._seen.add(pair)
            name = pair[0].rpartition("/")[2] or name
        before, after = _resolved(self._old, before), _resolved(self._new, after)
        yield from _of_kinds(name, before, after, side)
        yield from self._of_fields(name, before, after, side)
        for inner in ("items", "additionalProperties"):
            if isinstance(before.get(inner), dict) and isinstance(after.get(inner), dict):
                yield from self._of_schema(name, before[inner], after[inner], side)
        yield from self._of_unions(name, before, after, side)

    def _of_fields(self, name: str, before: Schema, after: Schema, side: Side) -> Iterator[Break]:
        old, new = before.get("properties", {}), after.get("properties", {})
        for field, schema in old.items():
            if field in new:
                yield from self._of_schema(f"{name}.{field}", schema, new[field], side)
            elif not after.get("additionalProperties") or side == "answer":
                yield Break(f"{name}.{field}", f"it is gone from the {side}")
        needed = set(after.get("required", ())) - set(before.get("required", ()))
        given = set(before.get("required", ())) - set(after.get("required", ()))
        for field in needed if side == "request" else given & new.keys():
            always = "required now" if side == "request" else "not in every answer now"
            yield Break(f"{name}.{field}", f"it is {always}")

    def _of_unions(self, name: str, before: Schema, after: Schema, side: Side) -> Iterator[Break]:
        """Of a request, every kind that was taken must still be taken; members are matched by what they are called."""
        new = {_called(each): each for each in _members(after)}
        for each in _members(before):
            if _called(each) in new:
                yield from self._of_schema(name, each, new[_called(each)], side)
            elif side == "request":
                yield Break(name, f"{_called(each)} is no longer taken")


def _of_kinds(name: str, before: Schema, after: Schema, side: Side) -> Iterator[Break]:
    """Types, values and limits of one schema."""
    types = before.get("type"), after.get("type")
    widened = side == "request" and types == ("integer", "number")
    if all(types) and types[0] != types[1] and not widened:
        yield Break(name, f"its type is {types[1]}, it was {types[0]}")
    if side == "answer":
        return
    if "enum" in after and (lost := [each for each in before.get("enum", ()) if each not in after["enum"]]):
        yield Break(name, f"no longer taken: {', '.join(map(str, lost))}")
    for limit, sign in _LIMITS.items():
        if limit in after and (limit not in before or sign * after[limit] < sign * before[limit]):
            yield Break(name, f"{limit} is {after[limit]}, it was {before.get(limit, 'not limited')}")


def _resolved(document: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _members(schema: Schema) -> list[Schema]:
    """Of a union; a schema that is none is its own only member, but has nothing to be matched."""
    return [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]


def _called(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    return str(schema.get("const") or schema.get("type") or schema.get("title"))


def unannounced(found: list[Break], changelog: str) -> list[Break]:
    """Those that the changelog's Unreleased section does not name in backticks."""
    unreleased = changelog.partition("## [Unreleased]")[2].partition("\n## [")[0]
    return [each for each in found if f"`{each.name}`" not in unreleased]
