"""Datasets, their versions, and samples."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contract.pack.manifest import Pairability
from contract.results.ingested import ValidationReport
from contract.specs.reading import ReadingSpec
from contract.specs.splits import SplitRequest
from contract.tasks import TaskName

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Size = Annotated[list[int], Field(min_length=2, max_length=2)]  # height, width
UploadReference = Annotated[str, StringConstraints(pattern=r"^upl_[0-9a-f]{32}$")]


class NewVersion(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"upload_id": "upl_0199f3a2b4c57d01a2b3c4d5e6f70819", "splits": {"val": 0.1, "test": 0.2}}]
        },
    )

    upload_id: UploadReference
    splits: SplitRequest | None = Field(None, description="For archives that bring no splits of their own.")
    reading: ReadingSpec | None = Field(
        None, description="How to read an archive that can be read in more than one way. Null: all is inferred."
    )


class NewDataset(NewVersion):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "digits", "upload_id": "upl_0199f3a2b4c57d01a2b3c4d5e6f70819"}]}
    )

    name: Name
    task: TaskName = Field("classification", description="What the archive is read for: labels, masks or boxes.")


class Dataset(BaseModel):
    id: str
    name: str
    task: str
    status: Literal["ingesting", "ready", "failed"]
    latest_version_id: str | None = Field(description="The newest version that is ready.")
    error: dict[str, Any] | None
    created_at: datetime


class DatasetVersion(BaseModel):
    id: str
    dataset_id: str
    upload_id: str
    status: Literal["queued", "running", "ready", "failed"]
    digest: str | None
    classes: list[str] | None
    superclasses: dict[str, str] | None = Field(description="Class -> super-class, where the archive names them.")
    counts: dict[str, dict[str, int]] | None = Field(
        description="Split name -> class name -> images; pixels of masks, boxes of detection."
    )
    samples: int | None
    image_size: Size | None = Field(description="Height, width; null where images differ.")
    median_size: Size | None
    channels: Literal[1, 3] | None
    bytes: int | None
    splits: dict[str, int] | None = Field(description="Split name -> images.")
    evaluation_split: Literal["test", "val"] | None
    pairability: Pairability | None
    requested_splits: dict[str, Any] | None = Field(description="As asked for.")
    reading: dict[str, Any] | None = Field(description="As asked for; fields that are not here were inferred.")
    error: dict[str, Any] | None
    created_at: datetime


class Box(BaseModel):
    corners: Annotated[list[float], Field(min_length=4, max_length=4)] = Field(
        description="x1, y1, x2, y2 in pixels from the upper left."
    )
    label: int
    class_name: str


class Sample(BaseModel):
    index: int
    label: int | None = Field(description="Of masks and boxes: the rarest class in the image; null where it has none.")
    class_name: str | None
    classes: list[str] = Field(description="Every class that the image shows.")
    split: Literal["train", "val", "test"]
    height: int
    width: int
    path: str = Field(description="The file's name in the archive.")
    sha256: str = Field(description="Of the decoded pixels.")
    image_url: str
    thumbnail_url: str = Field(description="At most 256 px a side.")
    mask_url: str | None = Field(description="Of segmentation: a PNG of class numbers, 255 where none counts.")
    boxes: list[Box] | None = Field(description="Of detection.")


Report = ValidationReport
