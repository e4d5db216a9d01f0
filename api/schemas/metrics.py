"""Training curves."""

from typing import Literal

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
