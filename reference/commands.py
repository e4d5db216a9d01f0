"""Every command of `patchswap` with its arguments and options, as `--help` has them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer.main

from patchswap.cli.app import app
from reference import writing

INTRODUCTION = """
This page lists every command, its arguments and its options. `patchswap COMMAND --help` prints the same.

Every command but `up` and `worker` takes `--json`. The exit status is 0 when it is done, 1 when it failed, with a
sentence that names the remedy, and 2 for wrong usage.
"""


def page() -> str:
    root = typer.main.get_command(app)
    return writing.page("# Commands", INTRODUCTION, *_sections("patchswap", root))


def _sections(path: str, command: Any) -> Iterator[str]:
    """The sections of a command, or of a group's. `command` is typer's, whose classes are not public."""
    children = getattr(command, "commands", None)
    if children is None:
        yield _section(path, command)
        return
    if path != "patchswap":
        yield f"## {path}\n\n{_text(command.help)}"
    for name, child in children.items():
        yield from _sections(f"{path} {name}", child)


def _section(path: str, command: Any) -> str:
    level = "##" if path.count(" ") == 1 else "###"
    context = command.context_class(command)
    rows = [one.get_help_record(context) for one in command.params if one.name != "help"]
    return writing.page(
        f"{level} {path}",
        _text(command.help),
        writing.table(("argument or option", "what"), [(writing.code(name), what) for name, what in rows]),
    )


def _text(text: str | None) -> str:
    return inspect.cleandoc(text or "")
