"""Datasets, their versions, and samples."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from contract.pack.manifest import Pairability
from contract.results.ingested import ValidationReport
from contract.specs.reading import ReadingSpec
from contract.specs.splits import SplitRequest
from contract.tasks import TaskName


def _is_no_id(name: str) -> str:
    if name.startswith(("ds_", "dsv_")) or not name.strip("."):
        raise ValueError("A name must not begin with `ds_` or `dsv_`, and must not consist of dots.")
    return name


# No `/` and no `@`: a name stands in paths, and `NAME@2` is a version.
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^/@\x00-\x1f\x7f]+$"),
    AfterValidator(_is_no_id),
]
Size = Annotated[list[int], Field(min_length=2, max_length=2)]  # height, width
VersionStatus = Literal["queued", "running", "ready", "failed"]
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

    name: Name = Field(description="Of a new dataset, or of the one that gets another version. No `/` and no `@`.")
    task: TaskName | None = Field(
        None,
        description="What the archive is read for: labels, masks or boxes. Null: as the dataset's other versions; "
        "of a new dataset, classification.",
    )


class Renamed(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "digits-2026"}]})

    name: Name


class NewestVersion(BaseModel):
    id: str
    number: int | None
    status: VersionStatus
    error: dict[str, Any] | None


class Dataset(BaseModel):
    id: str
    name: str = Field(description="Name of the dataset. No other dataset of the tenant has it.")
    task: str
    status: Literal["ingesting", "ready", "failed"] = Field(description="With ready, at least one version is ready.")
    latest_version_id: str | None = Field(description="The ready version with the highest number: jobs take it.")
    newest_version: NewestVersion | None = Field(
        description="The version that was pushed last, ready or not. After a push: the one to wait for."
    )
    error: dict[str, Any] | None
    created_at: datetime


class VersionChanges(BaseModel):
    since: int | None = Field(description="The number of the version it is compared with: the ready one before it.")
    added: int
    removed: int
    relabelled: int = Field(description="The same pixels with another class, mask or boxes.")
    moved: int = Field(description="The same pixels and label in another split.")
    unchanged: int


class Archive(BaseModel):
    """The file that was pushed."""

    bytes: int
    sha256: str
    media_type: str
    file_name: str
    url: str = Field(description="Downloads it. Of a version whose upload is deleted it answers 410.")


class DatasetVersion(BaseModel):
    id: str
    dataset_id: str
    number: int | None = Field(
        description="1, 2, ...: `NAME@2` names it. Null: an api of 0.1 added it during an upgrade."
    )
    changes: VersionChanges | None = Field(
        description="Images by their pixels. Null of a first version, and while it is not ready."
    )
    upload_id: str
    status: VersionStatus
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
    archive: Archive
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


class Occurrence(BaseModel):
    path: str = Field(description="The file's name in the archive.")
    class_name: str | None
    split: Literal["train", "val", "test"]


class ChangedImage(BaseModel):
    change: Literal["added", "removed", "relabelled", "moved"]
    sha256: str = Field(description="Of the decoded pixels.")
    before: Occurrence | None
    after: Occurrence | None


class Difference(VersionChanges):
    since_version_id: str
    version_id: str
    version: int | None = Field(description="The number of the later version.")
    classes_added: list[str]
    classes_removed: list[str]
    images: list[ChangedImage] = Field(description="Up to `limit`: removed, added, relabelled, moved, in this order.")


Report = ValidationReport
