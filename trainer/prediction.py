"""What a classifier says about a split, reduced to a few numbers per image. Shapes: B batch, K classes, N images."""

from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from contract.child.messages import Working
from contract.pack.manifest import Split
from trainer import sweeping
from trainer.augmentation.normalise import Normalise
from trainer.columns import Columns
from trainer.data.images import Images, open_images
from trainer.data.pack import Pack
from trainer.machine.stopping import StopRequest

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
        """Reduce logits, in float64. A tie counts for the lower class, as argmax has it."""
        log_probabilities = logits_NK.double().log_softmax(dim=1)
        probabilities = log_probabilities.exp()
        label_log = log_probabilities.gather(1, labels_N[:, None]).squeeze(1)
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


@dataclass(frozen=True)
class LabelledImages:
    """A split of classification: images with a label each."""

    images: Images
    labels: NDArray[np.int64]
    normalise: Normalise

    @property
    def resident(self) -> bool:
        return self.images.resident

    @property
    def cached_bytes(self) -> int:
        return self.images.cached_bytes

    @cached_property
    def _labels_N(self) -> Tensor:
        return torch.from_numpy(self.labels).to(self.normalise.mean.device)

    def __len__(self) -> int:
        return len(self.labels)

    def fetch(self, positions: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        where_B = torch.from_numpy(positions).to(self._labels_N.device, non_blocking=True)
        return self.images.fetch(positions), self._labels_N[where_B]


def open_split(pack: Pack, split: Split, *, size: tuple[int, int], device: torch.device, budget: int) -> LabelledImages:
    rows = pack.rows(split)
    images = open_images(pack, rows, size=size, device=device, budget_bytes=budget)
    return LabelledImages(images, pack.labels[rows], Normalise(pack.manifest.mean, pack.manifest.std, device))


def predict(
    model: nn.Module, split: LabelledImages, *, activity: str, stop: StopRequest | None = None
) -> Generator[Working, None, Predictions]:
    """Run the network in evaluation mode over a split. Yields about once a second. Raises Interrupted on `stop`."""
    parts = yield from sweeping.sweep(model, split, Predictions.of, batch=BATCH, activity=activity, stop=stop)
    return Predictions.joined(parts)
