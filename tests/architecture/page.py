"""docs/architecture.md: two of its parts are written from the code, the rest by hand."""

from __future__ import annotations

import re

from tests.architecture import drawing
from tests.architecture.rules import ROOT

PAGE = ROOT / "docs" / "architecture.md"
_PARTS = {"picture": drawing.picture, "rooms": drawing.table}


def written(text: str) -> str:
    """The page with its parts as the code is now. Raises ValueError where the marks of a part are missing."""
    for name, draw in _PARTS.items():
        begin, end = f"<!-- {name}: written by `make architecture` -->", "<!-- end -->"
        marked = re.compile(f"{re.escape(begin)}\n.*?{end}", re.DOTALL)
        if not marked.search(text):
            raise ValueError(f"{PAGE.name} has no place for the {name}. Put the lines `{begin}` and `{end}` there.")
        now = f"{begin}\n{draw()}\n{end}"
        text = marked.sub(lambda _, now=now: now, text)
    return text
