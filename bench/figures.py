"""What a measurement gives: one line of the table, and the machine it was measured on. How to measure is elsewhere."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PACKAGES = ("fastapi", "uvicorn", "sqlalchemy", "psycopg", "obstore", "torch")


@dataclass(frozen=True)
class Figure:
    """`met` is None where the figure has no goal of its own; `values` are the raw numbers, for `--json`."""

    measure: str
    figure: str
    goal: str = ""
    met: bool | None = None
    values: dict[str, Any] = field(default_factory=dict)


def table(figures: Sequence[Figure]) -> str:
    rows = ["| measure | figure | goal | met |", "|---|---|---|---|"]
    rows += [row(figure) for figure in figures]
    return "\n".join(rows)


def row(figure: Figure) -> str:
    met = {True: "yes", False: "no", None: ""}[figure.met]
    return f"| {figure.measure} | {figure.figure} | {figure.goal} | {met} |"


def machine() -> str:
    """One line: processor, cores, memory, versions, and how busy others kept it."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    load = ", ".join(f"{minutes:.2f}" for minutes in os.getloadavg())
    return (
        f"{processor()}, {len(os.sched_getaffinity(0))} cores, {memory_gib:.0f} GiB, Linux {platform.release()}; "
        f"Python {platform.python_version()}, {packages}; load averages at the start {load}"
    )


def interleaved(rounds: int, measures: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Every measure once a round, so that a slow minute of the machine falls on all of them.

    Each round begins with another one: what runs after a heavy neighbour is not always the same.
    """
    names = list(measures)
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            found[name].append(measures[name]())
    return found


def processor() -> str:
    """The name that Linux gives; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return found.get("model name", platform.processor())
