"""The picture of the import rules as a table: drawing it in a browser would take a library of another host."""

from __future__ import annotations

import re

from reference import writing

_BLOCK = re.compile(r"```mermaid\n(?P<text>.*?)```", re.DOTALL)
_ROOM = re.compile(r'^ *(\w+)\["<b>(?P<name>[^<]+)</b>(?P<layers>[^"]*)"\]$', re.MULTILINE)
_ARROW = re.compile(r"^ *(?P<above>\w+) --> (?P<below>\w+)$", re.MULTILINE)


def as_table(page: str) -> str:
    """`page` with each Mermaid block replaced by what it says."""
    return _BLOCK.sub(lambda found: _table(found["text"]), page)


def _table(text: str) -> str:
    below: dict[str, list[str]] = {}
    for arrow in _ARROW.finditer(text):
        below.setdefault(arrow["above"], []).append(f"`{arrow['below']}`")
    rows = [
        (f"`{room['name']}`", room["layers"].removeprefix("<br/>"), ", ".join(below.get(room["name"], [])))
        for room in _ROOM.finditer(text)
    ]
    return writing.table(("room", "layers, from the top", "may also import"), rows)
