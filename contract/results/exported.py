"""What an exported file was measured to be, on the worker that wrote it or on a named device."""

from typing import Any, Literal

from pydantic import BaseModel

from contract.results.evaluation import Figures
from contract.specs.exports import Constraints, Rung


class ProfileResult(BaseModel):
    """What was measured of an exported file where it was run again."""

    measured: dict[str, Any]  # top1_accuracy, drop_points, latency_ms_p50 ..., as of an export


class Candidate(Figures):
    """A file that the ladder of an export tried, or did not, and why."""

    rung: Rung
    fp32_layers: list[str] = []  # left as they are, beside the last one
    qat_epochs: int | None = None
    split: Literal["val", "train"] | None = None  # whose images chose; never the test split's
    samples: int | None = None
    model_bytes: int | None = None
    top1_accuracy: float | None = None  # of the three the task's headline figure
    mean_iou: float | None = None
    ap: float | None = None
    drop_points: float | None = None  # against the trained network, on the same images
    drop_interval_points: tuple[float, float] | None = None  # 95 %, image by image
    least_drop_shown_points: float | None = None  # no smaller limit can be shown to be kept by so many images
    like: list[int] = []  # places of earlier candidates from which the images cannot tell it
    latency_ms_p50: float | None = None
    meets: bool = False
    reasons: list[str] = []  # what it does not keep, or why it was not tried
    held_out: list[str] = []  # what it did not keep within noise on the held-out split, so that the next was tried


class ExportWarning(BaseModel):
    """Of a file that may be used, and should be looked at first."""

    code: Literal["accuracy_lost", "drop_not_shown"]
    message: str


class ExportResult(BaseModel):
    """One exported file, run and measured. `status` is gate_failed where a constraint does not hold."""

    format: str
    precision: str
    status: Literal["succeeded", "gate_failed"]
    constraints: Constraints
    violations: list[str]  # one sentence each, empty when succeeded
    warnings: list[ExportWarning] = []
    bytes: int  # of the bundle
    sha256: str  # of the bundle
    rung: Rung | None = None  # of the ladder, where one was climbed: what the file is
    candidates: list[Candidate] = []  # all that were tried, in their order
    measured: dict[str, Any]  # top1_accuracy, drop_points, ece, nll, model_bytes, latency_ms_p50 ..., see docs
