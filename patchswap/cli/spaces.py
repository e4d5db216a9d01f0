"""Ranges of a sweep from what was typed: --range path=low..high and --choice path=a,b,c."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from patchswap.cli.specs import value_of
from patchswap.errors import BadInput

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?:,(log|step=(\d+)))?")


def ranges(given: Sequence[str]) -> dict[str, Any]:
    """`optimizer.learning_rate=1e-3..0.5,log`, `training.pairs_per_batch=8..64,step=8`: whole ends make integers."""
    return dict(_range(text) for text in given)


def choices(given: Sequence[str]) -> dict[str, Any]:
    """`method.kd_weight=0.1,0.25,1`: each a JSON value, or text where it is none."""
    return dict(_choice(text) for text in given)


def _range(text: str) -> tuple[str, dict[str, Any]]:
    path, _, told = text.partition("=")
    found = _RANGE.fullmatch(told.strip())
    if not path or found is None:
        raise BadInput(
            f"--range {text!r} is not path=low..high. Write it like --range optimizer.learning_rate=1e-3..0.5,log."
        )
    low, high, how, step = found.groups()
    is_whole = all(re.fullmatch(r"[-+]?\d+", end) for end in (low, high))
    values: dict[str, Any] = {"type": "int" if is_whole else "float"}
    values |= {name: int(end) if is_whole else float(end) for name, end in (("low", low), ("high", high))}
    if how == "log":
        values["log"] = True
    elif step is not None:
        values["step"] = int(step)
    return path.strip(), values


def _choice(text: str) -> tuple[str, dict[str, Any]]:
    path, equals, told = text.partition("=")
    if not path or not equals or not told:
        raise BadInput(f"--choice {text!r} is not path=a,b,c. Write it like --choice method.kd_weight=0.1,0.25,1.")
    return path.strip(), {"type": "categorical", "values": [value_of(part.strip()) for part in told.split(",")]}
