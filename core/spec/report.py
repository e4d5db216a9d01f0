"""What a job measured: evaluation of the trained net, and of each exported file."""

from typing import Any, Literal

from pydantic import BaseModel

from core.spec.job import Constraints


class ClassFigures(BaseModel):
    name: str
    samples: int
    recall: float | None  # None where the split has no sample of the class
    precision: float | None
    probability_correct: float | None  # mean p(target) over rightly predicted samples
    probability_wrong: float | None


class SplitEvaluation(BaseModel):
    """One net on one split. Accuracies are fractions; intervals are 95 %."""

    split: Literal["val", "test"]
    samples: int
    top1_accuracy: float
    top5_accuracy: float | None  # None with five classes or fewer
    nll: float  # nats
    ece: float | None  # 15 equal-width bins (Guo et al. 2017); None where calibration was not asked for
    probability_correct: float | None
    probability_wrong: float | None
    confidence_intervals: dict[str, tuple[float, float]]
    per_class: list[ClassFigures]
    confusion: list[list[int]]  # rows: truth, columns: prediction
    robustness: dict[str, Any]


class Evaluation(BaseModel):
    arm: Literal["main", "control"]
    method: str
    splits: dict[str, SplitEvaluation]
    evaluation_split: Literal["test", "val"]
    images_seen: int
    train_seconds: float
    parameters: int
    macs: int


class ExportResult(BaseModel):
    """One exported file, run and measured. `status` is gate_failed where a constraint does not hold."""

    format: str
    precision: str
    status: Literal["succeeded", "gate_failed"]
    constraints: Constraints
    violations: list[str]  # one sentence each, empty when succeeded
    bytes: int  # of the bundle
    sha256: str  # of the bundle
    measured: dict[str, Any]  # top1_accuracy, drop_points, ece, nll, model_bytes, latency_ms_p50 ..., see docs
