"""The service's own processes that take work: what customers see of them."""

from datetime import datetime

from pydantic import BaseModel, Field


class Worker(BaseModel):
    queue: str = Field(
        description="What it takes: `train` jobs, `short` work such as ingest and exports, or `device.NAME`."
    )
    device: str = Field(description="Its hardware: `2 x NVIDIA H200`, `cpu (x86_64, 16 threads)`.")
    release: str = Field(description="The release of patchswap that it runs.")
    online: bool = Field(description="It was seen within the last minute.")
    first_seen_at: datetime
    last_seen_at: datetime
