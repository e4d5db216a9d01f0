"""Image classification: a network with one logit a class, integer labels, top-1 accuracy."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.spec import PackManifest, ResolvedSpec
from trainer import models


def build_model(spec: ResolvedSpec, manifest: PackManifest) -> nn.Module:
    return models.build(spec.model, num_classes=len(manifest.classes), channels=manifest.channels)


class Labels:
    """The labels of a split, on the device."""

    def __init__(self, labels: NDArray[np.int64], device: torch.device) -> None:
        self._labels = torch.from_numpy(labels).to(device)

    def fetch(self, positions: NDArray[np.int64]) -> Tensor:
        return self._labels[torch.from_numpy(positions).to(self._labels.device, non_blocking=True)]


def batch_metrics(logits_BK: Tensor, labels_B: Tensor) -> dict[str, Tensor]:
    return {"top1_accuracy": (logits_BK.detach().argmax(dim=1) == labels_B).float().mean()}
