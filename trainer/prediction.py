"""What a network says about a split, reduced to a few numbers per image. Shapes: B batch, K classes, N images."""

from collections.abc import Generator
from dataclasses import dataclass
from io import BytesIO
from time import monotonic

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.progress import Working
from core.spec import Split
from trainer.augment import Normalise
from trainer.images import Images, open_images
from trainer.pack import Pack
from trainer.process import Interrupted, StopRequest

BATCH = 256
TOP = 5
REPORT_SECONDS = 1.0


@dataclass(frozen=True)
class Predictions:
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

    @classmethod
    def of_bytes(cls, content: bytes) -> "Predictions":
        """What `to_bytes` gave."""
        with np.load(BytesIO(content), allow_pickle=False) as columns:
            return cls(*(columns[name] for name in cls.__dataclass_fields__))

    def to_bytes(self) -> bytes:
        """As an .npz file."""
        content = BytesIO()
        np.savez(content, **{name: getattr(self, name) for name in self.__dataclass_fields__})
        return content.getvalue()


@dataclass(frozen=True)
class LabelledImages:
    """A split to predict, on the device."""

    images: Images
    labels: NDArray[np.int64]
    normalise: Normalise


def open_split(pack: Pack, split: Split, *, size: tuple[int, int], device: torch.device, budget: int) -> LabelledImages:
    rows = pack.rows(split)
    images = open_images(pack, rows, size=size, device=device, budget_bytes=budget)
    return LabelledImages(images, pack.labels[rows], Normalise(pack.manifest.mean, pack.manifest.std, device))


def predict(
    model: nn.Module, split: LabelledImages, *, activity: str, stop: StopRequest | None = None
) -> Generator[Working, None, Predictions]:
    """Run the network in evaluation mode over a split. Yields about once a second. Raises Interrupted on `stop`."""
    labels = split.labels
    was_training, parts, spoken_at = model.training, [], monotonic()
    model.eval()
    for start in range(0, len(labels), BATCH):
        if stop:
            raise Interrupted
        positions = np.arange(start, min(start + BATCH, len(labels)))
        with torch.inference_mode():
            logits = model(split.normalise(split.images.fetch(positions))).float()
            parts.append(Predictions.of(logits, torch.from_numpy(labels[positions]).to(logits.device)))
        if monotonic() - spoken_at >= REPORT_SECONDS:
            spoken_at = monotonic()
            yield Working(activity=activity, done=int(positions[-1]) + 1, total=len(labels))
    model.train(was_training)
    return joined(parts)


def joined(parts: list[Predictions]) -> Predictions:
    return Predictions(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Predictions.__dataclass_fields__)
    )
