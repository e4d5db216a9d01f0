"""Training curves."""

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel


class Point(BaseModel):
    step: int
    epoch: int
    value: float | None  # null where training gave no finite number


class Series(BaseModel):
    key: str
    points: list[Point]


class Metrics(BaseModel):
    object: Literal["list"]
    data: list[Series]


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def line(row: Mapping[str, Any]) -> dict[str, Any]:
    """A point with the key of its curve."""
    return {"key": row["key"], "step": row["step"], "epoch": row["epoch"], "value": finite(row["value"])}
