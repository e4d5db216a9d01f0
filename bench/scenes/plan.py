"""What is compared: the arms of each task, with the same seeds, scenes and number of images a training sees.

Nothing is tuned: the settings of the method are the recipes' own, and the same schedule is everybody's.
"""

from dataclasses import dataclass, field
from typing import Any

from bench.results.protocol import key_of
from contract.pack.manifest import PackManifest
from contract.specs import ResolvedSpec, parse, resolve
from contract.tasks import TaskName

SEEDS = (1, 2, 3)
CLASSIFIER_EPOCHS, CLASSIFIER_PAIRS = 6, 8
CLASSIFIER_LEARNING_RATE = 2e-3
TASKS: tuple[TaskName, ...] = ("segmentation", "detection")
CONTROL, DIRECT, TRANSFER = "control", "direct", "transfer"
WITHOUT_KL, PLAIN_TRANSFER = "direct without KL", "transfer without patch swap"


@dataclass(frozen=True)
class Arm:
    name: str
    method: dict[str, Any]
    classifier: dict[str, Any] | None = None  # the method of the classifier that the backbone begins as


_PLAIN: dict[str, Any] = {"name": "cross_entropy"}
_SWAP: dict[str, Any] = {"name": "patch_swap", "kd_weight": 0.25}

MAIN_ARMS = 3  # of the following, which are run before the others
ARMS = (
    Arm(CONTROL, _PLAIN),
    Arm(DIRECT, _SWAP),
    Arm(TRANSFER, _PLAIN, classifier=_SWAP),
    Arm(WITHOUT_KL, {"name": "patch_swap_only"}),
    Arm(PLAIN_TRANSFER, _PLAIN, classifier=_PLAIN),
    Arm("copy-paste", {"name": "copy_paste"}),
)


@dataclass(frozen=True)
class Study:
    """One task: its network and how long it trains."""

    task: TaskName
    title: str
    metric: str  # of validation, which the table shows
    metric_name: str
    architecture: str
    epochs: int
    classifier: str = "mobilenet_v3_large"  # what it is built on
    stem: str = "small"
    learning_rate: float = 2e-3
    pairs_per_batch: int = 4


STUDIES: dict[TaskName, Study] = {
    "segmentation": Study(
        task="segmentation",
        title="Segmentation",
        metric="mean_iou",
        metric_name="mIoU",
        architecture="lraspp_mobilenet_v3_large",
        epochs=3,
    ),
    "detection": Study(
        task="detection",
        title="Detection",
        metric="ap50",
        metric_name="AP50",
        architecture="ssdlite320_mobilenet_v3_large",
        epochs=5,
    ),
}


@dataclass(frozen=True)
class Run:
    """One training. `task` is the study's, also of a classifier that is trained for it."""

    key: str
    task: TaskName
    arm: str
    seed: int
    spec: ResolvedSpec
    digest: str
    classifier: "Run | None" = field(default=None)


def runs(study: Study, manifests: dict[tuple[TaskName, int], PackManifest]) -> list[Run]:
    """All of them, the arms of a seed together. `manifests` are by task and seed."""
    return [_run(study, arm, seed, manifests) for seed in SEEDS for arm in ARMS]


def _run(study: Study, arm: Arm, seed: int, manifests: dict[tuple[TaskName, int], PackManifest]) -> Run:
    before = arm.classifier and _classifier(study, arm.classifier, seed, manifests["classification", seed])
    body = {
        "model": {"architecture": study.architecture, "stem": study.stem},
        "method": arm.method,
        "optimizer": _optimizer(study.learning_rate),
        "training": _training(study.epochs, study.pairs_per_batch, dense=True),
    }
    if before:
        body["model"] |= {"pretrained": f"model_{before.key}"}
    return _resolved(study, arm.name, seed, body, manifests[study.task, seed], before or None)


def _classifier(study: Study, method: dict[str, Any], seed: int, manifest: PackManifest) -> Run:
    body = {
        "model": {"architecture": study.classifier, "stem": study.stem},
        "method": method,
        "optimizer": _optimizer(CLASSIFIER_LEARNING_RATE),
        "training": _training(CLASSIFIER_EPOCHS, CLASSIFIER_PAIRS, dense=False),
    }
    return _resolved(study, f"classifier by {method['name']}", seed, body, manifest, None)


def _resolved(
    study: Study, arm: str, seed: int, body: dict[str, Any], manifest: PackManifest, classifier: Run | None
) -> Run:
    spec = resolve(parse({"dataset": "scenes", "exports": [], "seed": seed} | body), manifest)[0]
    return Run(key_of(spec, manifest.digest), study.task, arm, seed, spec, manifest.digest, classifier)


def _optimizer(learning_rate: float) -> dict[str, Any]:
    """A detector's heads hardly learn without a warm-up."""
    return {"name": "adamw", "learning_rate": learning_rate, "schedule": "cosine", "warmup_epochs": 1}


def _training(epochs: int, pairs_per_batch: int, *, dense: bool) -> dict[str, Any]:
    return {
        "epochs": epochs,
        "pairs_per_batch": pairs_per_batch,
        # A letter in a mirror is another thing; the others would want longer schedules.
        "augmentation": {"horizontal_flip": False} | ({"scale_jitter": (1, 1), "photometric": False} if dense else {}),
        "checkpoint_every_seconds": 86_400,  # the only one is that of the end
    }
