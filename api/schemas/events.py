"""The event log of a job."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from core.jobs.events import EventType


class Event(BaseModel):
    seq: int = Field(description="Grows by one with every event of the job.")
    type: EventType
    at: datetime
    data: dict[str, Any]
