"""Image classification: a network with one logit a class, integer labels, top-1 accuracy."""

from torch import Tensor, nn

from core.spec import PackManifest, ResolvedSpec
from trainer import models


def build_model(spec: ResolvedSpec, manifest: PackManifest) -> nn.Module:
    return models.build(spec.model, num_classes=len(manifest.classes), channels=manifest.channels)


def batch_metrics(logits_BK: Tensor, labels_B: Tensor) -> dict[str, Tensor]:
    return {"top1_accuracy": (logits_BK.detach().argmax(dim=1) == labels_B).float().mean()}
