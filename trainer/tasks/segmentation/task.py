"""Semantic segmentation: one logit a class and pixel, masks of class numbers, mean intersection over union.

Targets are masks_BHW, uint8, `IGNORE` where nobody judges. A patch swap moves the mask's patches with the image's.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from contract.child.messages import Working
from contract.pack.manifest import IGNORE, PackManifest, Split
from contract.results.evaluation import SegmentationSplit
from contract.specs import AugmentationSpec, ResolvedSpec
from trainer.augmentation import transforms as augmentation
from trainer.augmentation.transforms import tv_tensors
from trainer.data.kinship import SharedClasses
from trainer.data.pack import Pack
from trainer.machine.stopping import StopRequest
from trainer.methods.divergence import kl_divergence
from trainer.methods.method import Judged, Method
from trainer.tasks import evaluation_mode
from trainer.tasks.protocol import LabelCheck
from trainer.tasks.segmentation import figures as figures_of_masks
from trainer.tasks.segmentation import image_rows as rows_of_masks
from trainer.tasks.segmentation import methods, predictions, tiles
from trainer.tasks.segmentation import network as models
from trainer.tasks.segmentation.tiles import AnyMaskedImages

BATCH = 16
OUTPUTS = {"logits": "(batch, classes, height, width)"}
DIVERGENCE = "nats a pixel"
TELLING_IMAGES = 32
ROBUSTNESS: dict[str, Any] = {}  # measured for classification only
LABEL_CHECK: LabelCheck | None = None

Predictions = predictions.MaskPredictions
open_split = tiles.open_split
judge = predictions.judge
compare = figures_of_masks.compare
drop_interval = figures_of_masks.drop_interval
image_rows = rows_of_masks.of
head = models.head
load_backbone = models.load_backbone


def build_model(spec: ResolvedSpec, manifest: PackManifest) -> nn.Module:
    return models.build(spec.model, num_classes=len(manifest.classes), channels=manifest.channels)


def build_method(spec: ResolvedSpec, model: nn.Module, *, pack: Pack, groups: int) -> Method:  # noqa: ARG001
    return methods.build(spec.method, pack.manifest.classes)


def kinship(pack: Pack) -> SharedClasses:
    rows = pack.rows(Split.TRAIN)
    return SharedClasses.of(*pack.shown(rows), images=len(rows))


def augment(
    images_BCHW: Tensor,
    masks_BHW: Tensor,
    spec: AugmentationSpec,
    random: np.random.Generator,
    *,
    step: tuple[int, int],
    part: slice,
) -> tuple[Tensor, Tensor]:
    height, width = images_BCHW.shape[-2:]
    transform = augmentation.build(spec, size=(height, width))
    seeds = augmentation.seeds(random, step=step, part=part)
    changed = [
        augmentation.seeded(transform, seed, tv_tensors.Image(image), tv_tensors.Mask(mask))
        for image, mask, seed in zip(images_BCHW, masks_BHW, seeds, strict=True)
    ]
    images, masks = (
        torch.stack([sample.as_subclass(Tensor) for sample in column]) for column in zip(*changed, strict=True)
    )
    return images, masks


def batch_metrics(judged: Judged) -> dict[str, Tensor]:
    counted = judged.targets != IGNORE
    right = (judged.outputs.detach().argmax(dim=1) == judged.targets) & counted
    return {"pixel_accuracy": right.sum() / counted.sum().clamp(min=1)}


def predict(
    model: nn.Module, split: AnyMaskedImages, *, activity: str, stop: StopRequest | None = None
) -> Generator[Working, None, Predictions]:
    parts = yield from evaluation_mode.sweep(model, split, judge, batch=BATCH, activity=activity, stop=stop)
    return Predictions.joined(parts)


def to_export(model: nn.Module) -> nn.Module:
    return model


def network_of(exported: nn.Module) -> nn.Module:
    return exported


def speaking_as(_model: nn.Module, network: nn.Module) -> nn.Module:
    return network


def same(mine_BKHW: Tensor, reference_BKHW: Tensor) -> Tensor:
    return mine_BKHW.argmax(dim=1) == reference_BKHW.argmax(dim=1)


def divergence(mine_BKHW: Tensor, reference_BKHW: Tensor) -> Tensor:
    return kl_divergence(mine_BKHW, reference_BKHW).mean(dim=(1, 2))


def least_drop_shown(_images: int) -> float | None:
    return None  # resampled images that all agree have an interval without width


def validate(found: Predictions) -> dict[str, float]:
    figures = figures_of_masks.values(found)
    return {f"val.{name}": figures[name] for name in ("mean_iou", "pixel_accuracy", "nll")}


def figures(
    found: Predictions, *, split: Literal["val", "test"], spec: ResolvedSpec, manifest: PackManifest
) -> SegmentationSplit:
    return figures_of_masks.of(found, split=split, classes=manifest.classes, calibrated=spec.evaluation.calibration)


def write_report(
    spec: ResolvedSpec, pack: Pack, out: Path, *, evaluations: Any, model: nn.Module, held_out: AnyMaskedImages
) -> bytes:
    # Half a second of matplotlib that training need not wait for.
    from trainer import report  # noqa: PLC0415
    from trainer.tasks.segmentation.report import VIEW, examples  # noqa: PLC0415

    shown = examples(model, held_out, len(pack.manifest.classes))
    return report.write(spec, pack, out, evaluations=evaluations, view=VIEW, shown=shown)
