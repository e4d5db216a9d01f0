"""The figures of a file on the held-out split, from its logits, by the same definitions as the evaluation's."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.spec import PackManifest
from trainer.prediction import Predictions


def of(logits: NDArray[np.float32], labels: NDArray[np.int64], manifest: PackManifest) -> dict[str, Any]:
    predictions = Predictions.of(torch.from_numpy(logits), torch.from_numpy(labels))
    return {
        "split": manifest.evaluation_split,
        "samples": len(labels),
        "top1_accuracy": float(predictions.correct.mean()),
        "top1_accuracy_interval": None,
        "nll": float(predictions.nll.mean()),
        "ece": None,
    }
