"""The public names of the Python client: classes with their methods, answers with their fields, and errors."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

import patchswap
from patchswap.client import Client
from reference import writing

INTRODUCTION = """
This page lists what `from patchswap import ...` offers. `pip install patchswap` is enough; the service is reached by
HTTP.
"""


def page() -> str:
    public = [getattr(patchswap, name) for name in patchswap.__all__]
    errors = [one for one in public if inspect.isclass(one) and issubclass(one, Exception)]
    answers = [one for one in public if inspect.isclass(one) and one is not Client and one not in errors]
    functions = [one for one in public if inspect.isfunction(one)]
    return writing.page(
        "# Python client",
        INTRODUCTION,
        "## Client",
        _text(Client),
        *(_method("client", name, one) for name, one in _methods(Client)),
        *_calls(),
        "## Answers",
        "Each answer has the fields of the API's answer and the methods below.",
        *(_answer(one) for one in answers),
        "## Functions",
        *(f"`{one.__name__}{_signature(one)}`\n\n{_text(one)}" for one in functions),
        "## Errors",
        writing.table(("error", "is a", "when"), [_error(one) for one in errors]),
    )


def _calls() -> Iterator[str]:
    with Client("http://127.0.0.1:8000", "psk_") as client:
        parts = {name: one for name, one in vars(client).items() if name != "transport"}
    for name, calls in parts.items():
        yield f"## client.{name}"
        yield _text(type(calls)) if type(calls).__doc__ else ""
        yield from (_method(f"client.{name}", verb, one) for verb, one in _methods(type(calls)))


def _methods(of: type) -> Iterator[tuple[str, Any]]:
    for name, one in vars(of).items():
        if not name.startswith("_") and inspect.isfunction(one):
            yield name, one


def _method(owner: str, name: str, one: Any) -> str:
    return f"### {owner}.{name}\n\n```python\n{owner}.{name}{_signature(one)}\n```\n\n{_text(one)}"


def _answer(of: type) -> str:
    fields = ""
    if issubclass(of, BaseModel):
        rows = [(writing.code(name), writing.code(_type(of, name))) for name in of.model_fields]
        fields = writing.table(("field", "type"), rows)
    methods = [f"- `{name}{_signature(one)}` {_first(one)}" for name, one in _methods(of) if name != "model_post_init"]
    return writing.page(f"### {of.__name__}", _text(of), fields, "\n".join(methods))


def _type(of: type, name: str) -> str:
    for one in of.__mro__:
        if name in (found := inspect.get_annotations(one)):
            return str(found[name])
    return ""


def _error(of: type) -> tuple[str, str, str]:
    return writing.code(of.__name__), writing.code(of.__bases__[0].__name__), _first(of)


def _signature(one: Any) -> str:
    signature = inspect.signature(one)
    without_self = [each for each in signature.parameters.values() if each.name != "self"]
    text = str(signature.replace(parameters=without_self))
    return re.sub(r"'([^']*)'", lambda found: found[1], text) if "'" in text else text


def _first(one: Any) -> str:
    return _text(one).partition("\n\n")[0].replace("\n", " ")


def _text(one: Any) -> str:
    """Its own docstring, not an inherited one."""
    return inspect.cleandoc(one.__doc__ or "")
