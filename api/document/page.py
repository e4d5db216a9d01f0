"""The reference at /docs: the OpenAPI document as one HTML page. It loads nothing else: no script, no font, no CDN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Schema = Mapping[str, Any]
# What the page may do in a browser: show its own style.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:0;display:flex}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1rem;min-width:15rem;box-sizing:border-box}
main{padding:1rem 2rem;max-width:60rem;min-width:0}code,pre{font-family:ui-monospace,monospace;font-size:13px}
nav a{display:block}nav b{display:block;margin-top:.8rem}table{border-collapse:collapse;margin:.5rem 0 1rem}
td,th{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #8884}
section{border-top:1px solid #8884;padding-top:.5rem;margin-top:1.5rem}
"""


def render(document: Schema) -> str:
    """The whole page."""
    by_tag: dict[str, list[tuple[str, str, Schema]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag.setdefault(operation.get("tags", ["other"])[0], []).append((method, path, operation))
    schemas = document["components"]["schemas"]
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    body = [_operation(method, path, operation) for each in by_tag.values() for method, path, operation in each]
    body += [_schema(name, schema) for name, schema in schemas.items()]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>
<body><nav>{_contents(by_tag, schemas)}</nav><main><h1>{title}</h1>
<p>{_text(document["info"].get("description", ""))}</p>
<p>Generate a client from <a href="/openapi.json">/openapi.json</a>.</p>
{"".join(body)}</main></body></html>
"""


def _contents(by_tag: Mapping[str, list[tuple[str, str, Schema]]], schemas: Mapping[str, Schema]) -> str:
    lines = []
    for tag, operations in by_tag.items():
        lines.append(f"<b>{escape(tag)}</b>")
        lines += [
            f'<a href="#{operation["operationId"]}">{operation["operationId"]}</a>' for _, _, operation in operations
        ]
    lines.append("<b>schemas</b>")
    lines += [f'<a href="#schema-{escape(name)}">{escape(name)}</a>' for name in schemas]
    return "".join(lines)


def _operation(method: str, path: str, operation: Schema) -> str:
    parts = [
        f'<section id="{operation["operationId"]}"><h2>{operation["operationId"]}</h2>',
        f"<p><code>{method.upper()} {escape(path)}</code></p><p>{_text(operation.get('description', ''))}</p>",
        _table(("parameter", "in", "type", ""), _parameters(operation)),
        _table(("body", "schema"), _contents_of(operation.get("requestBody", {}))),
        _table(("answer", "", "schema"), _answers(operation)),
        "</section>",
    ]
    return "".join(parts)


def _parameters(operation: Schema) -> Iterator[tuple[str, ...]]:
    for each in operation.get("parameters", ()):
        about = _text(each.get("description", ""))
        needed = " (required)" if each.get("required") else ""
        yield f"<code>{escape(each['name'])}</code>{needed}", each["in"], _type(each["schema"]), about


def _contents_of(holder: Schema) -> Iterator[tuple[str, str]]:
    for media_type, content in holder.get("content", {}).items():
        yield escape(media_type), _type(content.get("schema", {}))


def _answers(operation: Schema) -> Iterator[tuple[str, ...]]:
    for status, answer in operation["responses"].items():
        kinds = ", ".join(f"{kind}: {schema}" for kind, schema in _contents_of(answer))
        yield escape(status), _text(answer.get("description", "")), kinds


def _schema(name: str, schema: Schema) -> str:
    required = schema.get("required", ())
    rows = (
        (
            f"<code>{escape(field)}</code>{' (required)' if field in required else ''}",
            _type(about),
            _text(about.get("description", "")) + _limits(about),
        )
        for field, about in schema.get("properties", {}).items()
    )
    fields = _table(("field", "type", ""), rows) or f"<p>{_type(schema)}</p>"
    text = _text(schema.get("description", ""))
    return f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3><p>{text}</p>{fields}</section>'


def _type(schema: Schema) -> str:
    """A schema in a word or a few, with links."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#schema-{escape(name)}">{escape(name)}</a>'
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " or ".join(_type(each) for each in schema[union])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(str(schema.get("format") or schema.get("type") or "any"))


def _limits(schema: Schema) -> str:
    names = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "maxLength": "characters, at most",
    }
    found = [f"{words} {schema[name]}" for name, words in names.items() if name in schema]
    if (default := schema.get("default", schema.get("x-default"))) is not None:
        found.append(f"default <code>{escape(str(default))}</code>")
    return f" <small>{'; '.join(found)}</small>" if found else ""


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """Nothing where there are no rows. Cells are HTML already."""
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    names = "".join(f"<th>{name}</th>" for name in head)
    return f"<table><tr>{names}</tr>{''.join(lines)}</table>" if lines else ""


def _text(markdown: str) -> str:
    """Its paragraphs and its `code`."""
    pieces = escape(markdown.strip()).replace("\n\n", "<br><br>").split("`")
    return "".join(f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces))
