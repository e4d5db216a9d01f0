"""The import rules as `.importlinter` states them: the layers of each room, and which room may import which."""

from __future__ import annotations

from collections.abc import Iterator
from configparser import ConfigParser
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
Layers = list[list[str]]  # from the top; names of a layer stand side by side

RULES = ConfigParser()
RULES.read(ROOT / ".importlinter")


def _lines(section: str, key: str) -> list[str]:
    return RULES.get(section, key, fallback="").split()


def _contracts(kind: str) -> Iterator[str]:
    return (section for section in RULES.sections() if RULES.get(section, "type", fallback="") == kind)


def _layers(section: str) -> Layers:
    lines = RULES.get(section, "layers").strip().splitlines()
    return [[name.strip() for name in line.split("|")] for line in lines]


ROOTS = tuple(_lines("importlinter", "root_packages"))
FLOORS = next(_layers(section) for section in _contracts("layers") if not RULES.has_option(section, "containers"))


def layers_of() -> dict[str, Layers]:
    """Container -> its layers: of the rooms, and of what has layers within a room."""
    sections = [section for section in _contracts("layers") if RULES.has_option(section, "containers")]
    return {container: _layers(section) for section in sections for container in _lines(section, "containers")}


def forbidden() -> set[tuple[str, str]]:
    """Pairs of roots of which the first must not import the second."""
    return {
        (source, target)
        for section in _contracts("forbidden")
        for source in _lines(section, "source_modules")
        for target in _lines(section, "forbidden_modules")
        if source in ROOTS and target in ROOTS
    }


def may_import() -> list[tuple[str, str]]:
    """Pairs of roots on neighbouring floors of which the upper may import the lower."""
    down = [(upper, lower) for above, below in pairwise(FLOORS) for upper in above for lower in below]
    return [pair for pair in down if pair not in forbidden()]
