"""What ingest is asked and what it answers: how to split a dataset, and the validation report. Data only."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.spec.dataset import Pairability
from core.spec.strict import Strict

Severity = Literal["error", "warning", "info"]
Layout = Literal["image_folder", "csv", "npz", "parquet", "masks", "voc", "coco", "yolo"]
MAX_FINDINGS = 1_000


class SplitRequest(Strict):
    """How to split an archive that brings no splits of its own. Fractions are of each class's images."""

    val: float = Field(0.1, ge=0, le=0.9)
    test: float = Field(0.2, ge=0, le=0.9)
    seed: int = Field(0, ge=0, le=2**32 - 1)
    train_per_class: int | None = Field(
        None, ge=1, description="Keep so many training images of each class and leave the others out."
    )

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> Self:
        if self.val + self.test >= 1:
            raise ValueError("val and test together must be below 1")
        return self


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
    findings: list[Finding]  # errors first; at most MAX_FINDINGS
    counts: dict[str, int]  # finding code -> how many there were, listed or not
