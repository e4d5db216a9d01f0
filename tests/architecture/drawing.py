"""What docs/architecture.md shows of the code: the picture of the import rules, the table of the rooms."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.rules import FLOORS, ROOT, ROOTS, layers_of, may_import

# Rooms that reach each other without an import, which no import rule can know.
PROCESSES = (("patchswap", "api", "HTTP"), ("worker", "trainer", "starts"), ("worker", "ingest", "starts"))
_WIDE = '%%{init: {"flowchart": {"wrappingWidth": 700}}}%%'  # else Mermaid breaks layers in two
_FIRST_PARTY = [*(name for floor in FLOORS for name in floor), "patchswap"]


def picture() -> str:
    """Mermaid: a box a room with its layers from the top; an arrow goes to what may be imported."""
    layers = layers_of()
    inner = [container for container in layers if "." in container]
    lines = ["```mermaid", _WIDE, "flowchart TB"]
    lines += [_box(room, layers.get(room, [])) for room in [*_FIRST_PARTY, *inner]]
    lines += [f"    {upper} --> {lower}" for upper, lower in may_import()]
    lines += [f"    {one} -. {how} .-> {other}" for one, other, how in PROCESSES]
    lines += [f"    {container.split('.')[0]} --- {_id(container)}" for container in inner]
    return "\n".join([*lines, "```"])


def _box(name: str, layers: list[list[str]]) -> str:
    rows = [f"<b>{name}</b>", *(" · ".join(layer) for layer in layers)]
    return f'    {_id(name)}["{"<br/>".join(rows)}"]'


def _id(name: str) -> str:
    return name.replace(".", "_")


def table() -> str:
    """Every folder of every room, with the first line of its docstring; the modules beside a room's folders."""
    rows = ["| folder | what is there |", "|---|---|"]
    for room in sorted(ROOTS):
        modules = sorted(path.name for path in (ROOT / room).glob("*.py") if path.name != "__init__.py")
        rows.append(f"| **`{room}/`** | {', '.join(f'`{name}`' for name in modules)} |")
        rows += [f"| `{_shown(folder)}/` | {_first_line(folder)} |" for folder in folders(room)]
    return "\n".join(rows)


def folders(room: str) -> Iterator[Path]:
    """Packages below a room, each before those within it."""
    return (path.parent for path in sorted((ROOT / room).glob("*/**/__init__.py"), key=lambda path: path.parent))


def _first_line(folder: Path) -> str:
    words = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    return words.partition("\n")[0].replace("|", "\\|")


def _shown(folder: Path) -> str:
    return folder.relative_to(ROOT).as_posix()
