"""What a classifier says about a split, reduced to a few numbers per image. Shapes: B batch, K classes, N images."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from contract.child.messages import Working
from trainer.machine.stopping import StopRequest
from trainer.tasks import evaluation_mode
from trainer.tasks.classification.samples import LabelledImages
from trainer.tasks.columns import Columns

BATCH = 256
TOP = 5


@dataclass(frozen=True)
class Predictions(Columns):
    labels: NDArray[np.int64]  # (N,)
    predicted: NDArray[np.int64]
    confidence: NDArray[np.float64]  # p(predicted)
    probability: NDArray[np.float64]  # p(label)
    nll: NDArray[np.float64]  # -log p(label), nats
    brier: NDArray[np.float64]  # sum over classes of (p(class) - [class is the label])^2
    in_top: NDArray[np.bool_]  # the label is among the five likeliest

    @property
    def correct(self) -> NDArray[np.bool_]:
        return self.predicted == self.labels

    @classmethod
    def of(cls, logits_NK: Tensor, labels_N: Tensor) -> "Predictions":
        """Reduce logits, in float64. A tie counts for the lower class, as argmax has it.

        Of a label that is NOBODY, `probability`, `nll` and `brier` mean nothing.
        """
        log_probabilities = logits_NK.double().log_softmax(dim=1)
        probabilities = log_probabilities.exp()
        label_log = log_probabilities.gather(1, labels_N.clamp(min=0)[:, None]).squeeze(1)
        confidence, predicted = log_probabilities.max(dim=1)
        top = log_probabilities.topk(min(TOP, logits_NK.shape[1]), dim=1).indices
        columns = (
            labels_N,
            predicted,
            confidence.exp(),
            label_log.exp(),
            -label_log,
            (probabilities**2).sum(dim=1) - 2 * label_log.exp() + 1,
            (top == labels_N[:, None]).any(dim=1),
        )
        return cls(*(column.cpu().numpy() for column in columns))


def predict(
    model: nn.Module, split: LabelledImages, *, activity: str, stop: StopRequest | None = None
) -> Generator[Working, None, Predictions]:
    """Run the network in evaluation mode over a split. Yields about once a second. Raises Interrupted on `stop`."""
    parts = yield from evaluation_mode.sweep(model, split, Predictions.of, batch=BATCH, activity=activity, stop=stop)
    return Predictions.joined(parts)
