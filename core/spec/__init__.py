"""What is asked for and what came out, as data: job specs, dataset manifests, reports. Pydantic only.

The trainer may import this package and `core.progress`, nothing else of ours.
"""

from core.spec.dataset import PackManifest, Pairability, Split
from core.spec.job import (
    AugmentationSpec,
    Constraints,
    CrossEntropySpec,
    EvaluationSpec,
    ExportSpec,
    JobSpec,
    MethodSpec,
    ModelSpec,
    OptimizerSpec,
    PatchSwapOnlySpec,
    PatchSwapSpec,
    TrainingSpec,
)
from core.spec.report import Evaluation, ExportResult, SplitEvaluation
from core.spec.resolution import Plan, ResolvedSpec, SpecInvalid, SpecWarning, Violation, parse, plan, resolve

__all__ = [
    "AugmentationSpec",
    "Constraints",
    "CrossEntropySpec",
    "Evaluation",
    "EvaluationSpec",
    "ExportResult",
    "ExportSpec",
    "JobSpec",
    "MethodSpec",
    "ModelSpec",
    "OptimizerSpec",
    "PackManifest",
    "Pairability",
    "PatchSwapOnlySpec",
    "PatchSwapSpec",
    "Plan",
    "ResolvedSpec",
    "SpecInvalid",
    "SpecWarning",
    "Split",
    "SplitEvaluation",
    "TrainingSpec",
    "Violation",
    "parse",
    "plan",
    "resolve",
]
