"""Trained models, their exports, what was measured, and checkpoints."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from contract.results.evaluation import Evaluation, Selection
from contract.results.exported import Candidate, ExportWarning


class ExportConstraints(BaseModel):
    """What was asked of an export; null where nothing was."""

    max_drop_points: float | None
    max_bytes: int | None
    max_latency_ms: float | None


class Headline(BaseModel):
    metric: Literal["top1_accuracy", "mean_iou", "ap"]
    value: float


class Model(BaseModel):
    id: str
    job_id: str
    dataset_version_id: str
    name: str
    task: str
    architecture: str
    method: str = Field(description="What trained the published network: cross_entropy where that is the control.")
    parameters: int
    macs: int
    headline: Headline | None = Field(description="What a model of this task is judged by, on the held-out split.")
    top1_accuracy: float | None = Field(description="On the held-out split, a fraction; classification.")
    mean_iou: float | None = Field(description="Segmentation.")
    ap: float | None = Field(description="Detection: COCO's, averaged over overlaps from 0.5 to 0.95.")
    ap50: float | None = Field(description="Detection: at an overlap of 0.5.")
    evaluation_split: str | None
    selection: Selection | None = Field(
        description="Which of the two networks this is and why; null where one was trained, and for older models."
    )
    weights: dict[str, Any]
    report: dict[str, Any] | None = Field(description="Bytes and sha256; null for models older than reports.")
    created_at: datetime
    links: dict[str, str]


class SuspectedLabel(BaseModel):
    index: int = Field(description="Of the sample in the dataset version.")
    split: Literal["train", "val", "test"]
    path: str = Field(description="The file's name in the archive.")
    label: str = Field(description="As the dataset has it.")
    suggested: str = Field(description="As the network has it.")
    label_probability: float
    suggested_probability: float
    thumbnail_url: str


class SuspectedLabels(BaseModel):
    """Suspected by confident learning (Northcutt et al. 2021). Look at the picture before you change a label."""

    model_id: str
    dataset_version_id: str
    images: dict[str, int] = Field(description="Split name -> images that were looked at.")
    found: dict[str, int] = Field(description="Number of suspect labels, listed or not, of `held_out` and `train`.")
    held_out: list[SuspectedLabel] = Field(description="Judged by a network that did not learn from them.")
    train: list[SuspectedLabel] = Field(
        description="Judged by the network that learned these labels: fewer, with more reason."
    )


class Export(BaseModel):
    id: str
    model_id: str
    format: str
    precision: str
    constraints: ExportConstraints
    status: Literal["queued", "running", "succeeded", "gate_failed", "failed"]
    bytes: int | None
    sha256: str | None
    measured: dict[str, Any] | None = Field(
        description="Figures of the file: top1_accuracy or mean_iou or ap, drop_points, latency_ms_p50 and more."
    )
    rung: str | None = Field(description="Of the ladder, where one was climbed: int8, mixed, qat or fp16.")
    candidates: list[Candidate] = Field(description="What the ladder tried, in its order; none where there was none.")
    violations: list[str] = Field(description="Constraints that do not hold.")
    warnings: list[ExportWarning] = Field(
        description="Of a file that succeeded: accuracy_lost, more than 1 point beyond noise where no limit was asked; "
        "drop_not_shown, a limit that the measured drop keeps but so few images cannot show."
    )
    error: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None
    links: dict[str, str]


class ExportFormat(BaseModel):
    name: str
    status: Literal["available", "missing_dependency"]
    precisions: list[str]
    files: str = Field(description="Of the model, in a bundle.")
    versions: dict[str, str | None] = Field(
        description="Of the packages that make and run it, where they are installed beside the api; empty elsewhere."
    )
    install: str = Field(description="The line that brings what is missing, for the worker.")
    description: str


class Checkpoint(BaseModel):
    id: str
    job_id: str
    arm: str
    step: int
    epoch: int
    bytes: int
    sha256: str
    best: bool
    pinned: bool
    metrics: dict[str, float]
    created_at: datetime
    links: dict[str, str]


class Difference(BaseModel):
    """Main minus control on the held-out split."""

    split: str
    metric: Literal["top1_accuracy", "mean_iou", "ap"]
    headline: float = Field(description="Of that metric.")
    top1_accuracy: float | None
    nll: float | None
    ece: float | None


class JobTeacher(BaseModel):
    model_id: str
    method: str | None = Field(description="It was trained by this one; null once it is deleted.")
    images_seen: int | None = Field(description="In its own training, on top of the job's; null once it is deleted.")


class JobEvaluation(BaseModel):
    job_id: str
    model_id: str
    teacher: JobTeacher | None = Field(description="Of the main arm.")
    main: Evaluation
    control: Evaluation | None
    difference: Difference | None
    selection: Selection | None = Field(description="Which arm was published; null where only one was trained.")
