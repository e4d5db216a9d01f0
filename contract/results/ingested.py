"""What ingest answers: the validation report. Data only."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from contract.pack.manifest import Pairability

Severity = Literal["error", "warning", "info"]
Layout = Literal[
    "image_folder",
    "file_names",
    "csv",
    "one_hot",
    "list",
    "metadata_jsonl",
    "json_labels",
    "npz",
    "parquet",
    "masks",
    "voc",
    "coco",
    "yolo",
    "darknet",
    "cvat",
    "labelme",
    "supervisely",
    "label_studio",
    "via",
    "vott",
    "createml",
    "keras_yolo",
    "box_csv",
    "open_images",
    "kitti",
    "hugging_face",
]
MAX_FINDINGS = 1_000


class Finding(BaseModel):
    """One thing a person should know about an archive. Only an `error` makes the whole archive unusable."""

    severity: Severity
    code: str
    path: str | None  # the file's name in the archive, made safe to print; None where it is about the whole
    message: str
    fix: str | None  # what to do, None where nothing need be done


class ValidationReport(BaseModel):
    """What ingest found. `invalid`: no pack was made, and the errors say why."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    status: Literal["ready", "invalid"]
    archive: Literal["zip", "tar", "tar.gz", "npz", "parquet"] | None  # None where it is none of these
    layout: Layout | None
    accepted: int  # images in the pack
    skipped: int  # images left out, each for a reason among the findings
    ignored: int  # other files, which nothing was expected of
    classes: int
    splits: dict[str, int]  # split name -> images
    pairability: Pairability | None
    amounts: dict[str, dict[str, int]] = {}  # split name -> class name -> images; of masks: pixels; of boxes: boxes
    images: dict[str, dict[str, int]] = {}  # of masks and boxes: split name -> class name -> images that show it
    findings: list[Finding]  # errors first; at most MAX_FINDINGS
    counts: dict[str, int]  # finding code -> how many there were, listed or not
