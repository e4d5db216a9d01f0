"""A page for each resource of the API, from docs/openapi.json."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reference import writing

DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.json"
VERBS = ("get", "post", "put", "patch", "delete")
SHARED = {"401", "403", "404", "422", "429", "500", "503"}  # answers that nearly every operation has
Operation = Mapping[str, Any]


def pages() -> dict[str, str]:
    """Markdown by the name of the resource."""
    document = json.loads(DOCUMENT.read_text())
    found: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for verb in VERBS:
            if operation := operations.get(verb):
                tag = operation["tags"][0]
                found.setdefault(tag, []).append(_section(f"{verb.upper()} {path}", operation, document))
    return {tag: _page(tag, sections) for tag, sections in sorted(found.items())}


def _page(tag: str, sections: list[str]) -> str:
    title = tag.replace("_", " ").capitalize()
    introduction = (
        f"Each request of the resource `{tag}`, from [openapi.json](../../openapi.json). "
        "[By curl](../../curl.md) has a session that runs, and the rules that hold for all requests."
    )
    return writing.page(f"# API: {title}", introduction, *sections)


def _section(name: str, operation: Operation, document: Mapping[str, Any]) -> str:
    parameters = [_resolved(one, document) for one in operation.get("parameters", ())]
    rows = [
        (writing.code(one["name"]), one["in"], _type(one["schema"]), one.get("description", "")) for one in parameters
    ]
    return writing.page(
        f"## {name}",
        operation.get("description", ""),
        writing.table(("parameter", "in", "type", "what"), rows),
        *_body(operation, document),
        *_answers(operation, document),
    )


def _body(operation: Operation, document: Mapping[str, Any]) -> Iterator[str]:
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"Body, `{media}`:"
        yield _fields(content.get("schema", {}), document)


def _answers(operation: Operation, document: Mapping[str, Any]) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        if status in SHARED:
            continue
        told = answer.get("description", "")
        yield f"**{status}** {'' if told == 'Successful Response' else told}"
        if status.startswith("2"):
            for content in answer.get("content", {}).values():
                yield _fields(content.get("schema", {}), document)


def _fields(schema: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    schema = _resolved(schema, document)
    required = schema.get("required", ())
    rows = [
        (
            writing.code(name) + (" (required)" if name in required and "default" not in field else ""),
            _type(field),
            _described(field, document),
        )
        for name, field in schema.get("properties", {}).items()
    ]
    return writing.table(("field", "type", "what"), rows)


def _described(field: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    return str(field.get("description") or _resolved(field, document).get("description", ""))


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a `$ref` stands for, also one that may be null."""
    if len(some := [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]) == 1:
        schema = some[0]
    if reference := schema.get("$ref"):
        found: Any = document
        for part in str(reference).removeprefix("#/").split("/"):
            found = found[part]
        return dict(found)
    return schema


def _type(schema: Mapping[str, Any]) -> str:
    if reference := schema.get("$ref"):
        return str(reference).rpartition("/")[2]
    if several := schema.get("anyOf", schema.get("oneOf")):
        return " or ".join(dict.fromkeys(map(_type, several)))
    if values := schema.get("enum"):
        return ", ".join(f"`{value}`" for value in values)
    if "const" in schema:
        return writing.code(str(schema["const"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))
