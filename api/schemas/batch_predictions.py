"""A model asked about the images of a dataset version: what customers see of it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class BatchPredictionRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    dataset_version: str = Field(
        min_length=1,
        max_length=220,
        description="A dataset by name or id, or one of its versions: `NAME@2` or `dsv_...`. Without a version the "
        "newest one that is ready. Its task and the number of its channels must be the model's.",
        examples=["photos@2"],
    )


class BatchPrediction(BaseModel):
    id: str
    model_id: str
    dataset_version_id: str
    status: Literal["queued", "running", "succeeded", "failed"]
    images: int | None = Field(description="Rows, one an image; null until it has succeeded.")
    bytes: int | None = Field(description="Of the rows as Parquet.")
    sha256: str | None = Field(description="Of the rows as Parquet.")
    error: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None
    links: dict[str, str]
