"""Object detection: boxes of objects with a class and a score each, COCO's average precision.

Targets are a list of dicts, `boxes` (n, 4) in pixels of the training size and `labels` (n,). Outputs are the maps of
the network's heads. A patch swap exchanges the crops of boxes of one class, so it moves no target.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from contract.child.messages import Working
from contract.pack.manifest import PackManifest, Split
from contract.results.evaluation import DetectionSplit
from contract.specs import AugmentationSpec, ResolvedSpec
from trainer.augmentation import transforms as augmentation
from trainer.augmentation.transforms import tv_tensors
from trainer.data.kinship import SharedClasses
from trainer.data.pack import Pack
from trainer.machine.stopping import StopRequest
from trainer.methods.method import Judged, Method
from trainer.tasks import evaluation_mode
from trainer.tasks.detection import figures as figures_of_boxes
from trainer.tasks.detection import image_rows as rows_of_boxes
from trainer.tasks.detection import methods, predictions, tiles
from trainer.tasks.detection import network as models
from trainer.tasks.detection.network import AnyDetector, Detector
from trainer.tasks.detection.samples import Target, still_seen
from trainer.tasks.detection.tiles import AnyBoxedImages
from trainer.tasks.protocol import LabelCheck

BATCH = 16
OUTPUTS = {
    "boxes": "(batch, anchors, 4): left, top, right, bottom in pixels of the input",
    "scores": "(batch, anchors, classes), 0 to 1; which boxes stay is chosen outside, by `choose` in `postprocess.py`",
}
DIVERGENCE = "sure boxes"
TELLING_IMAGES = 32
ROBUSTNESS: dict[str, Any] = {}  # measured for classification only
LABEL_CHECK: LabelCheck | None = None

Predictions = predictions.BoxPredictions
open_split = tiles.open_split
judge = predictions.judge
same = predictions.same_finds
compare = figures_of_boxes.compare
drop_interval = figures_of_boxes.drop_interval
image_rows = rows_of_boxes.of
head = models.head
load_backbone = models.load_backbone
to_export = models.Decoding
speaking_as = models.SpeakingAs
divergence = predictions.divergence


def build_model(spec: ResolvedSpec, manifest: PackManifest) -> Detector:
    classes = len(manifest.classes)
    return models.build(spec.model, num_classes=classes, channels=manifest.channels, size=(spec.height, spec.width))


def build_method(spec: ResolvedSpec, model: Detector, *, pack: Pack, groups: int) -> Method:  # noqa: ARG001
    return methods.build(spec.method, model)


def kinship(pack: Pack) -> SharedClasses:
    rows = pack.rows(Split.TRAIN)
    return SharedClasses.of(*pack.shown(rows), images=len(rows))


def augment(
    images_BCHW: Tensor,
    targets: list[Target],
    spec: AugmentationSpec,
    random: np.random.Generator,
    *,
    step: tuple[int, int],
    part: slice,
) -> tuple[Tensor, list[Target]]:
    height, width = images_BCHW.shape[-2:]
    size = (height, width)
    transform = augmentation.build(spec, size=size)
    seeds = augmentation.seeds(random, step=step, part=part)
    images, changed = [], []
    for image, target, seed in zip(images_BCHW, targets, seeds, strict=True):
        boxes = tv_tensors.BoundingBoxes(target["boxes"], format="XYXY", canvas_size=size, clamping_mode=None)
        image_CHW, moved = augmentation.seeded(transform, seed, tv_tensors.Image(image), boxes)
        images.append(image_CHW.as_subclass(Tensor))
        changed.append(still_seen(moved.as_subclass(Tensor), target["labels"], size))
    return torch.stack(images), changed


def batch_metrics(judged: Judged) -> dict[str, Tensor]:  # noqa: ARG001 - precision needs more than a batch
    return {}


def predict(
    model: AnyDetector, split: AnyBoxedImages, *, activity: str, stop: StopRequest | None = None
) -> Generator[Working, None, Predictions]:
    judge = predictions.judged_by(model)
    parts = yield from evaluation_mode.sweep(model, split, judge, batch=BATCH, activity=activity, stop=stop)
    return Predictions.joined(parts)


def network_of(exported: models.Decoding) -> nn.Module:
    return exported.detector


def least_drop_shown(_images: int) -> float | None:
    return None  # resampled images that all agree have an interval without width


def validate(found: Predictions) -> dict[str, float]:
    classes = max(int(found.labels.max(initial=0)), int(found.true_labels.max(initial=0))) + 1
    return {f"val.{name}": value for name, value in figures_of_boxes.values(found, classes).items()}


def figures(
    found: Predictions, *, split: Literal["val", "test"], spec: ResolvedSpec, manifest: PackManifest
) -> DetectionSplit:
    return figures_of_boxes.of(found, split=split, classes=manifest.classes, calibrated=spec.evaluation.calibration)


def write_report(
    spec: ResolvedSpec, pack: Pack, out: Path, *, evaluations: Any, model: AnyDetector, held_out: AnyBoxedImages
) -> bytes:
    # Half a second of matplotlib that training need not wait for.
    from trainer import report  # noqa: PLC0415
    from trainer.tasks.detection.report import VIEW, examples  # noqa: PLC0415

    shown = examples(model, held_out, len(pack.manifest.classes))
    return report.write(spec, pack, out, evaluations=evaluations, view=VIEW, shown=shown)
