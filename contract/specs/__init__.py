"""What is asked of one training. Nothing here needs the ledger or a tensor: pydantic only."""

from contract.specs.augmentation import AugmentationSpec
from contract.specs.compression import CompressionSpec, PruningSpec
from contract.specs.estimate import Estimate, estimate
from contract.specs.exports import RUNGS, Constraints, ExportSpec, LadderSpec, Rung
from contract.specs.job import EvaluationSpec, JobSpec
from contract.specs.methods import CopyPasteSpec, CrossEntropySpec, MethodSpec, PatchSwapOnlySpec, PatchSwapSpec
from contract.specs.model import ModelSpec
from contract.specs.plan import Plan, plan
from contract.specs.reading import LabelmapEntry, ReadingSpec
from contract.specs.resolution import ResolvedSpec, parse, resolve, settle
from contract.specs.splits import SplitRequest
from contract.specs.submission import Submission, lay_out
from contract.specs.training import EarlyStoppingSpec, OptimizerSpec, TrainingSpec
from contract.specs.violations import SpecInvalid, SpecWarning, Violation, violations_in, violations_of

__all__ = [
    "RUNGS",
    "AugmentationSpec",
    "CompressionSpec",
    "Constraints",
    "CopyPasteSpec",
    "CrossEntropySpec",
    "EarlyStoppingSpec",
    "Estimate",
    "EvaluationSpec",
    "ExportSpec",
    "JobSpec",
    "LabelmapEntry",
    "LadderSpec",
    "MethodSpec",
    "ModelSpec",
    "OptimizerSpec",
    "PatchSwapOnlySpec",
    "PatchSwapSpec",
    "Plan",
    "PruningSpec",
    "ReadingSpec",
    "ResolvedSpec",
    "Rung",
    "SpecInvalid",
    "SpecWarning",
    "SplitRequest",
    "Submission",
    "TrainingSpec",
    "Violation",
    "estimate",
    "lay_out",
    "parse",
    "plan",
    "resolve",
    "settle",
    "violations_in",
    "violations_of",
]
