"""What of a well-formed spec cannot be run, or is doubtful, on a dataset."""

from math import gcd

from pydantic import BaseModel

from core.spec.dataset import PackManifest
from core.spec.job import JobSpec
from core.spec.methods import PatchSwapSpec, SwappingSpec

NOT_PRUNABLE = ("shufflenet_v2_x1_0",)


class Violation(BaseModel):
    pointer: str  # RFC 6901
    code: str
    message: str


class SpecWarning(BaseModel):
    pointer: str
    code: str
    message: str


def violations(spec: JobSpec, manifest: PackManifest, *, height: int, width: int) -> list[Violation]:
    """Why a spec cannot be run at a training size; empty where it can."""
    return [
        *_method_violations(spec, height=height, width=width),
        *_optimizer_violations(spec),
        *_training_violations(spec, manifest),
        *_evaluation_violations(spec, manifest),
        *_pruning_violations(spec),
    ]


def _method_violations(spec: JobSpec, *, height: int, width: int) -> list[Violation]:
    method, found = spec.method, []
    if isinstance(method, SwappingSpec) and method.patch_size != "auto":
        found += _patch_violations(method.patch_size, height=height, width=width)
    if isinstance(method, PatchSwapSpec) and method.ce_weight == 0:
        message = "without cross-entropy nothing ties the classes to the labels; give a weight above 0"
        found.append(Violation(pointer="/method/ce_weight", code="must_be_positive", message=message))
    return found


def _patch_violations(size: int, *, height: int, width: int) -> list[Violation]:
    if height % size or width % size:
        message = (
            f"{size} does not divide the training size {height} x {width}; "
            f'take one of {_divisors(gcd(height, width))} or "auto"'
        )
        return [Violation(pointer="/method/patch_size", code="patch_size_not_divisor", message=message)]
    if size == height == width:
        message = f"one patch of {size} px is the whole image: nothing could be exchanged; take a divisor"
        return [Violation(pointer="/method/patch_size", code="patch_size_is_image", message=message)]
    return []


def _optimizer_violations(spec: JobSpec) -> list[Violation]:
    optimizer, found = spec.optimizer, []
    if optimizer.nesterov and (optimizer.name != "sgd" or optimizer.momentum == 0):
        message = "needs sgd with momentum above 0"
        found.append(Violation(pointer="/optimizer/nesterov", code="needs_momentum", message=message))
    milestones = optimizer.milestones
    if milestones != "auto" and list(milestones) != sorted(set(milestones)):
        message = "must increase strictly"
        found.append(Violation(pointer="/optimizer/milestones", code="not_increasing", message=message))
    return found


def _training_violations(spec: JobSpec, manifest: PackManifest) -> list[Violation]:
    training, method, found = spec.training, spec.method, []
    images = 2 * training.pairs_per_batch
    if images % method.members:
        message = f"a step's {images} images do not divide into groups of {method.members}; take a multiple"
        found.append(Violation(pointer="/training/pairs_per_batch", code="not_a_multiple", message=message))
    groups = 2 * min(training.pairs_per_batch, manifest.split_size("train")) // method.members
    if training.devices * training.accumulate > groups:
        message = f"a step has {groups} groups of images; they cannot be divided into more parts"
        found.append(Violation(pointer="/training/accumulate", code="too_many_parts", message=message))
    if training.devices > 1 and method.stateful:
        message = f"{method.name} keeps what it saw from step to step, which devices do not share; take 1"
        found.append(Violation(pointer="/training/devices", code="stateful_method", message=message))
    if training.early_stopping and not manifest.split_size("val"):
        message = "the dataset has no validation split to stop by; push one with a val split, or leave this out"
        found.append(Violation(pointer="/training/early_stopping", code="no_validation_split", message=message))
    return found


def _evaluation_violations(spec: JobSpec, manifest: PackManifest) -> list[Violation]:
    """What cannot be had while the test split stays unread."""
    if spec.evaluation.test:
        return []
    found = []
    if spec.exports:
        message = 'a file is judged on the test split; give "exports": [] or leave evaluation.test true'
        found.append(Violation(pointer="/exports", code="needs_test", message=message))
    if not manifest.split_size("val"):
        message = "the dataset has no validation split to be judged on instead; leave it true"
        found.append(Violation(pointer="/evaluation/test", code="needs_validation", message=message))
    return found


def _pruning_violations(spec: JobSpec) -> list[Violation]:
    pruning, found = spec.compression.pruning, []
    if pruning is None:
        return []
    if spec.model.architecture in NOT_PRUNABLE:
        message = (
            f"{spec.model.architecture} mixes the channels of its halves, which leaves none to be removed alone; "
            "take another architecture, or leave pruning out"
        )
        found.append(Violation(pointer="/compression/pruning", code="not_prunable", message=message))
    if pruning.fine_tune_epochs != "auto" and pruning.fine_tune_epochs < pruning.rounds:
        message = f"each of the {pruning.rounds} rounds needs an epoch; give at least {pruning.rounds}, or fewer rounds"
        pointer = "/compression/pruning/fine_tune_epochs"
        found.append(Violation(pointer=pointer, code="fewer_than_rounds", message=message))
    return found


def warnings(spec: JobSpec, manifest: PackManifest) -> list[SpecWarning]:
    """What runs, but perhaps not as its sender expects."""
    found = []
    if spec.method.needs_class_mates and manifest.pairability.unpairable_classes:
        names = ", ".join(manifest.pairability.unpairable_classes[:5])
        message = f"classes with one training image are paired with themselves and teach nothing of it: {names}"
        found.append(SpecWarning(pointer="/dataset", code="class_unpairable", message=message))
    images = manifest.split_size("train")
    if images < spec.training.pairs_per_batch:
        message = f"the dataset has {images} training images; batches of {images} pairs are used"
        found.append(SpecWarning(pointer="/training/pairs_per_batch", code="batch_reduced", message=message))
    milestones = spec.optimizer.milestones
    if milestones != "auto" and any(m >= spec.training.epochs for m in milestones):
        message = "milestones at or after the last epoch have no effect"
        found.append(SpecWarning(pointer="/optimizer/milestones", code="milestone_unreached", message=message))
    return found


def _divisors(number: int) -> list[int]:
    return [m for m in range(1, number) if number % m == 0]
