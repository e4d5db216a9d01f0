"""Exported files measured again, and the devices that can: what customers see of them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class ProfileRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    export_id: str = Field(min_length=1, max_length=64, examples=["exp_0199f3a2b4c57d01a2b3c4d5e6f70819"])
    device: str | None = Field(
        None,
        min_length=1,
        max_length=63,
        description="A name of /v1/devices; without one, whichever worker takes short work.",
        examples=["raspberry-pi-5"],
    )


class Profile(BaseModel):
    id: str
    model_id: str
    export_id: str
    device: str | None
    status: Literal["queued", "running", "succeeded", "failed"]
    measured: dict[str, Any] | None = Field(description="As of an export: top1_accuracy, latency_ms_p50, cpu ...")
    error: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None
    links: dict[str, str]


class Device(BaseModel):
    name: str
    online: bool = Field(description="A worker of it was seen within the last minute.")
    worker: str = Field(
        description="The host of a device of yours that was seen last; `service` for one of the service."
    )
    first_seen_at: datetime
    last_seen_at: datetime
