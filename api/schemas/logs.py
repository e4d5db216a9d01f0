"""Lines of a job's log."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LogLine(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    seq: int = Field(description="The cursor: `after` of the next request.")
    attempt: int
    source: Literal["trainer", "worker"] = Field(description="A line of the trainer's stderr, or what the worker did.")
    at: datetime
    text: str
