"""What of a well-formed spec cannot be run, or is doubtful, on a dataset."""

from math import gcd

from contract.architectures import NOT_PRUNABLE, TIMM
from contract.pack.manifest import PackManifest
from contract.specs import learning_checks
from contract.specs.job import JobSpec
from contract.specs.methods import PatchSwapSpec, SwappingSpec
from contract.specs.violations import SpecWarning, Violation
from contract.tasks import TERMS, TaskName, format_obstacle


def violations(spec: JobSpec, manifest: PackManifest, *, height: int, width: int) -> list[Violation]:
    """Why a spec cannot be run at a training size; empty where it can."""
    return [
        *_task_violations(spec, manifest.task),
        *_method_violations(spec, height=height, width=width),
        *_optimizer_violations(spec),
        *_training_violations(spec, manifest),
        *_evaluation_violations(spec, manifest),
        *_selection_violations(spec, manifest),
        *_pruning_violations(spec, manifest),
        *learning_checks.violations(spec, manifest),
    ]


def _task_violations(spec: JobSpec, task: TaskName) -> list[Violation]:
    """What a spec asks that another task than the dataset's would have."""
    terms, augmentation = TERMS[task], spec.training.augmentation
    found: list[tuple[str, str, str]] = []
    if not terms.has(spec.model.architecture):
        message = f"{spec.model.architecture} is not for {task}. Take one of {', '.join(terms.architectures)}."
        found.append(("/model/architecture", "not_of_task", message))
    if task not in spec.method.tasks:
        message = f"{spec.method.name} is for {' and '.join(spec.method.tasks)}, and the dataset is for {task}."
        found.append(("/method/name", "not_of_task", message))
    stopping = spec.training.early_stopping
    if stopping and stopping.metric not in terms.validated:
        message = f"This metric is not measured for {task}. Take one of {', '.join(terms.validated)}."
        found.append(("/training/early_stopping/metric", "not_of_task", message))
    for place, export in enumerate(spec.exports):
        if obstacle := format_obstacle(task, export.format):
            found.append((f"/exports/{place}/format", "not_of_task", obstacle))
    if task == "classification":
        found += _dense_only(spec)
    else:
        if spec.evaluation.robustness:
            message = "Attacks and corruptions are measured for classification only. Leave this empty."
            found.append(("/evaluation/robustness", "not_of_task", message))
        if augmentation.crop_padding not in ("auto", 0):
            message = "This is for classification. For masks and boxes, scale_jitter scales and crops images."
            found.append(("/training/augmentation/crop_padding", "not_of_task", message))
        jitter = augmentation.scale_jitter
        if jitter != "auto" and jitter[0] > jitter[1]:
            message = "The smaller factor must come first."
            found.append(("/training/augmentation/scale_jitter", "not_increasing", message))
    return [Violation(pointer=pointer, code=code, message=message) for pointer, code, message in found]


def _dense_only(spec: JobSpec) -> list[tuple[str, str, str]]:
    augmentation, message = spec.training.augmentation, "This is for segmentation and detection. Leave it out."
    asked = {
        "/training/augmentation/scale_jitter": augmentation.scale_jitter not in ("auto", (1.0, 1.0)),
        "/training/augmentation/photometric": augmentation.photometric is True,
        "/training/tiles": spec.training.tiles is not None,
    }
    return [(pointer, "not_of_task", message) for pointer, is_asked in asked.items() if is_asked]


def _method_violations(spec: JobSpec, *, height: int, width: int) -> list[Violation]:
    method, found = spec.method, []
    if isinstance(method, SwappingSpec) and method.patch_size != "auto":
        found += _patch_violations(method.patch_size, height=height, width=width)
    if isinstance(method, PatchSwapSpec) and method.ce_weight == 0:
        message = "Without cross-entropy the network cannot learn the labels. Give a weight above 0."
        found.append(Violation(pointer="/method/ce_weight", code="must_be_positive", message=message))
    return found


def _patch_violations(size: int, *, height: int, width: int) -> list[Violation]:
    if height % size or width % size:
        message = (
            f"{size} does not divide the training size {height} x {width}; "
            f'take one of {_divisors(gcd(height, width))} or "auto".'
        )
        return [Violation(pointer="/method/patch_size", code="patch_size_not_divisor", message=message)]
    if size == height == width:
        message = f"One patch of {size} px is the whole image, so nothing can be swapped. Take a smaller divisor."
        return [Violation(pointer="/method/patch_size", code="patch_size_is_image", message=message)]
    return []


def _optimizer_violations(spec: JobSpec) -> list[Violation]:
    optimizer, found = spec.optimizer, []
    if optimizer.nesterov and (optimizer.name != "sgd" or optimizer.momentum == 0):
        message = "Needs sgd with momentum above 0."
        found.append(Violation(pointer="/optimizer/nesterov", code="needs_momentum", message=message))
    milestones = optimizer.milestones
    if milestones != "auto" and list(milestones) != sorted(set(milestones)):
        message = "Must increase strictly."
        found.append(Violation(pointer="/optimizer/milestones", code="not_increasing", message=message))
    return found


def _training_violations(spec: JobSpec, manifest: PackManifest) -> list[Violation]:
    training, method, found = spec.training, spec.method, []
    if training.tiles and training.fit == "stretch":
        message = "Tiles keep their aspect ratio, so fit has no effect. Leave fit out."
        found.append(Violation(pointer="/training/fit", code="excluded", message=message))
    images = 2 * training.pairs_per_batch
    if images % method.members:
        message = f"The {images} images of a step do not divide into groups of {method.members}. Take a multiple."
        found.append(Violation(pointer="/training/pairs_per_batch", code="not_a_multiple", message=message))
    groups = 2 * min(training.pairs_per_batch, manifest.split_size("train")) // method.members
    if training.devices * training.accumulate > groups:
        message = f"A step has {groups} groups of images; they cannot be divided into more parts."
        found.append(Violation(pointer="/training/accumulate", code="too_many_parts", message=message))
    if training.devices > 1 and method.stateful:
        message = f"{method.name} keeps a memory between steps, which devices do not share. Take 1."
        found.append(Violation(pointer="/training/devices", code="stateful_method", message=message))
    if training.early_stopping and not manifest.split_size("val"):
        message = "Early stopping needs a validation split. Push a dataset that has one, or leave this out."
        found.append(Violation(pointer="/training/early_stopping", code="no_validation_split", message=message))
    return found


def _evaluation_violations(spec: JobSpec, manifest: PackManifest) -> list[Violation]:
    """What cannot be had while the test split stays unread."""
    if spec.evaluation.test:
        return []
    found = []
    if spec.exports:
        message = 'A file is judged on the test split. Give "exports": [] or leave evaluation.test true.'
        found.append(Violation(pointer="/exports", code="needs_test", message=message))
    if not manifest.split_size("val"):
        message = "The dataset has no validation split to evaluate on instead. Leave this true."
        found.append(Violation(pointer="/evaluation/test", code="needs_validation", message=message))
    return found


def _selection_violations(spec: JobSpec, manifest: PackManifest) -> list[Violation]:
    """What `better` needs: two networks, and images to choose by."""
    if spec.selection != "better":
        return []
    missing = []
    if not spec.control:
        message = 'Only one network is trained, so there is nothing to choose. Give "control": true, or leave it out.'
        missing.append(("needs_control", message))
    if not manifest.split_size("val"):
        message = "The dataset has no validation split to choose by. Push one with a val split, or give main."
        missing.append(("no_validation_split", message))
    return [Violation(pointer="/selection", code=code, message=message) for code, message in missing]


def _pruning_violations(spec: JobSpec, manifest: PackManifest) -> list[Violation]:
    pruning, found = spec.compression.pruning, []
    if pruning is None:
        return []
    if manifest.task != "classification":
        message = (
            f"Only networks that classify can be pruned, and this dataset is for {manifest.task}. Leave pruning out."
        )
        found.append(Violation(pointer="/compression/pruning", code="task_not_prunable", message=message))
    if spec.model.architecture.startswith(TIMM):
        message = (
            f"Pruning was not tried on {spec.model.architecture}. Leave it out, or take one of "
            f"{', '.join(name for name in TERMS['classification'].architectures if name not in NOT_PRUNABLE)}."
        )
        found.append(Violation(pointer="/compression/pruning", code="not_prunable", message=message))
    if spec.model.architecture in NOT_PRUNABLE:
        message = (
            f"{spec.model.architecture} {NOT_PRUNABLE[spec.model.architecture]}. "
            "Take another architecture, or leave pruning out."
        )
        found.append(Violation(pointer="/compression/pruning", code="not_prunable", message=message))
    if pruning.fine_tune_epochs != "auto" and pruning.fine_tune_epochs < pruning.rounds:
        message = (
            f"Each of the {pruning.rounds} rounds needs an epoch. Give at least {pruning.rounds}, or fewer rounds."
        )
        pointer = "/compression/pruning/fine_tune_epochs"
        found.append(Violation(pointer=pointer, code="fewer_than_rounds", message=message))
    return found


def warnings(spec: JobSpec, manifest: PackManifest) -> list[SpecWarning]:
    """What runs, but perhaps not as its sender expects."""
    found = []
    if spec.method.needs_class_mates and manifest.pairability.unpairable_classes:
        names = ", ".join(manifest.pairability.unpairable_classes[:5])
        message = f"Classes with one training image cannot form pairs; patch swap skips them: {names}."
        found.append(SpecWarning(pointer="/dataset", code="class_unpairable", message=message))
    if spec.model.architecture.startswith(TIMM):
        message = (
            f"{spec.model.architecture} is not among the tested networks: training it, and files other than ONNX fp32, "
            "may fail."
        )
        found.append(SpecWarning(pointer="/model/architecture", code="untested_architecture", message=message))
    images = manifest.split_size("train")
    if images < spec.training.pairs_per_batch:
        message = f"The dataset has {images} training images; batches of {images} pairs are used."
        found.append(SpecWarning(pointer="/training/pairs_per_batch", code="batch_reduced", message=message))
    milestones = spec.optimizer.milestones
    steps = spec.optimizer.schedule == "step"
    if steps and milestones != "auto" and any(m >= spec.training.epochs for m in milestones):
        message = "Milestones at or after the last epoch have no effect."
        found.append(SpecWarning(pointer="/optimizer/milestones", code="milestone_unreached", message=message))
    if spec.control and spec.selection == "auto" and not manifest.split_size("val"):
        message = "The dataset has no validation split to choose by: the method's network is published, better or not."
        found.append(SpecWarning(pointer="/selection", code="nothing_to_choose_by", message=message))
    if manifest.task == "detection" and spec.optimizer.warmup_epochs == 0:
        message = "Without a warm-up a detector's heads hardly learn. Give 1 or more, or leave it out."
        found.append(SpecWarning(pointer="/optimizer/warmup_epochs", code="no_warmup", message=message))
    return [*found, *learning_checks.warnings(spec, manifest)]


def _divisors(number: int) -> list[int]:
    return [m for m in range(1, number) if number % m == 0]
