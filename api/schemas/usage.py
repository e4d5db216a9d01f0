"""What a tenant's jobs used in a time."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field


class UsageFigures(BaseModel):
    jobs: int
    attempts: int
    wall_seconds: float = Field(description="Of the attempts, from claim to end: useful + lost + waiting.")
    useful_seconds: float = Field(description="A trainer ran, and its work was kept or ended with the job.")
    lost_seconds: float = Field(
        description="Of attempts that the platform ended: from the newest stored checkpoint to the attempt's end."
    )
    waiting_seconds: float = Field(description="The rest: downloads, uploads, starting, publishing.")
    device_seconds: float = Field(description="Useful seconds, times the devices that the trainer held.")


class UsageRow(UsageFigures):
    day: date | None = Field(None, description="On which the attempts ended, in UTC. Null unless in `group`.")
    project: str | None = Field(None, description="The label `project`. Null: none, or not in `group`.")
    device: Literal["cpu", "cuda"] | None = Field(
        None, description="Kind of device. Null: no trainer began, or not in `group`."
    )


class UsageReport(BaseModel):
    since: date = Field(serialization_alias="from", validation_alias="from", description="First day, in UTC.")
    until: date = Field(serialization_alias="to", validation_alias="to", description="The day after the last.")
    group: list[Literal["day", "project", "device"]]
    data: list[UsageRow]
    total: UsageFigures
