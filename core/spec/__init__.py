"""What is asked for and what came out, as data: job specs, dataset manifests, reports. Pydantic only.

The trainer may import this package and `core.progress`, nothing else of ours.
"""

from core.spec.checks import SpecWarning, Violation
from core.spec.compression import CompressionSpec, PruningSpec
from core.spec.dataset import BACKGROUND, IGNORE, PackManifest, Pairability, Split
from core.spec.feasibility import sweep_violations
from core.spec.formats import FORMATS, FormatName, FormatTerms, Precision
from core.spec.job import (
    AugmentationSpec,
    Constraints,
    EarlyStoppingSpec,
    EvaluationSpec,
    ExportSpec,
    JobSpec,
    ModelSpec,
    OptimizerSpec,
    TrainingSpec,
)
from core.spec.ladder import RUNGS, LadderSpec, Rung
from core.spec.methods import CopyPasteSpec, CrossEntropySpec, MethodSpec, PatchSwapOnlySpec, PatchSwapSpec
from core.spec.report import Evaluation, ExportResult, ProfileResult, SplitEvaluation
from core.spec.resolution import Plan, ResolvedSpec, SpecInvalid, parse, plan, resolve, violations_of
from core.spec.sweep import SweepSpec, final_body, parse_sweep, trial_body
from core.spec.tasks import TERMS, Task

__all__ = [
    "BACKGROUND",
    "FORMATS",
    "IGNORE",
    "RUNGS",
    "TERMS",
    "AugmentationSpec",
    "CompressionSpec",
    "Constraints",
    "CopyPasteSpec",
    "CrossEntropySpec",
    "EarlyStoppingSpec",
    "Evaluation",
    "EvaluationSpec",
    "ExportResult",
    "ExportSpec",
    "FormatName",
    "FormatTerms",
    "JobSpec",
    "LadderSpec",
    "MethodSpec",
    "ModelSpec",
    "OptimizerSpec",
    "PackManifest",
    "Pairability",
    "PatchSwapOnlySpec",
    "PatchSwapSpec",
    "Plan",
    "Precision",
    "ProfileResult",
    "PruningSpec",
    "ResolvedSpec",
    "Rung",
    "SpecInvalid",
    "SpecWarning",
    "Split",
    "SplitEvaluation",
    "SweepSpec",
    "Task",
    "TrainingSpec",
    "Violation",
    "final_body",
    "parse",
    "parse_sweep",
    "plan",
    "resolve",
    "sweep_violations",
    "trial_body",
    "violations_of",
]
