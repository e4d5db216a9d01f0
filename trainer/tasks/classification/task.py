"""Image classification: a network with one logit a class, integer labels, top-1 accuracy.

Targets are labels_B. A patch swap between images of a class moves no label.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

from contract.pack.manifest import PackManifest, Split
from contract.results.evaluation import SplitEvaluation
from contract.specs import AugmentationSpec, ResolvedSpec
from trainer import models
from trainer.augmentation import whole_images as augmentation
from trainer.data.pack import Pack
from trainer.data.sampling import ClassIndex
from trainer.methods.divergence import kl_divergence
from trainer.methods.method import Dimensions, Judged, Method
from trainer.models import folding, matching, stages
from trainer.statistics import intervals
from trainer.tasks.classification import (
    class_balance,
    comparison,
    methods,
    predictions,
    robustness,
    samples,
    suspects,
)
from trainer.tasks.classification import figures as figures_of_labels
from trainer.tasks.classification import image_rows as rows_of_labels
from trainer.tasks.classification.samples import LabelledImages

BATCH = predictions.BATCH
OUTPUTS = {"logits": "(batch, classes)"}
DIVERGENCE = "nats"
TELLING_IMAGES = 256
ROBUSTNESS = robustness.MEASURES
LABEL_CHECK = suspects.find

Predictions = predictions.Predictions
predict = predictions.predict
open_split = samples.open_split
judge = Predictions.of
compare = comparison.compare
drop_interval = comparison.drop_interval
least_drop_shown = intervals.least_shown
image_rows = rows_of_labels.of
to_export = folding.folded


def build_model(spec: ResolvedSpec, manifest: PackManifest) -> nn.Module:
    return models.build(spec.model, num_classes=len(manifest.classes), channels=manifest.channels)


def load_backbone(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """A head that the weights do not bring begins at zero: every class equally probable, and no gradient of chance."""
    matching.fill(model, weights)
    if not matching.head_names(model) & weights.keys():
        last = stages.last_layer(model)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)


def head(model: nn.Module) -> tuple[str, ...]:
    """The layer that gives the logits."""
    return tuple(name for name, module in model.named_modules() if isinstance(module, nn.Linear))[-1:]


def build_method(spec: ResolvedSpec, model: nn.Module, *, pack: Pack, groups: int) -> Method:
    features, shapes = stages.shapes(model, (pack.manifest.channels, spec.height, spec.width))
    dimensions = Dimensions(
        classes=len(pack.manifest.classes),
        samples=len(pack.rows(Split.TRAIN)),
        groups=groups,
        features=features,
        stages=shapes,
        class_weights=class_balance.weights(pack) if spec.training.class_balance == "weights" else None,
    )
    return methods.build(spec.method, dimensions)


def kinship(pack: Pack) -> ClassIndex:
    return ClassIndex.of(pack.labels[pack.rows(Split.TRAIN)])


def augment(
    images_BCHW: Tensor,
    labels_B: Tensor,
    spec: AugmentationSpec,
    random: np.random.Generator,
    *,
    step: tuple[int, int],
    part: slice,
) -> tuple[Tensor, Tensor]:
    return augmentation.augment(images_BCHW, spec, random, step=step, part=part), labels_B


def batch_metrics(judged: Judged) -> dict[str, Tensor]:
    logits_BK, labels_B = judged.outputs, judged.targets
    return {"top1_accuracy": (logits_BK.detach().argmax(dim=1) == labels_B).float().mean()}


def network_of(exported: nn.Module) -> nn.Module:
    return exported


def speaking_as(_model: nn.Module, network: nn.Module) -> nn.Module:
    return network


def same(mine_BK: Tensor, reference_BK: Tensor) -> Tensor:
    return mine_BK.argmax(dim=1) == reference_BK.argmax(dim=1)


def divergence(mine_BK: Tensor, reference_BK: Tensor) -> Tensor:
    return kl_divergence(mine_BK, reference_BK)


def validate(found: Predictions) -> dict[str, float]:
    return {"val.top1_accuracy": float(found.correct.mean()), "val.nll": float(found.nll.mean())}


def figures(
    found: Predictions, *, split: Literal["val", "test"], spec: ResolvedSpec, manifest: PackManifest
) -> SplitEvaluation:
    return figures_of_labels.of(
        found,
        split=split,
        classes=manifest.classes,
        calibrated=spec.evaluation.calibration,
        superclass_of=manifest.superclasses,
    )


def write_report(
    spec: ResolvedSpec, pack: Pack, out: Path, *, evaluations: Any, model: nn.Module, held_out: LabelledImages
) -> bytes:
    # Half a second of matplotlib that training need not wait for.
    from trainer import report  # noqa: PLC0415
    from trainer.tasks.classification import swaps  # noqa: PLC0415
    from trainer.tasks.classification.report import VIEW, Pictures, suspects_shown  # noqa: PLC0415

    shown = Pictures(swaps.pairs(spec, model, held_out), suspects_shown(evaluations["main"].suspected_labels, pack))
    return report.write(spec, pack, out, evaluations=evaluations, view=VIEW, shown=shown)
