"""The few figures of a model that tables compare, beside its whole evaluation, which may have a megabyte."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figures:
    """What one trained net measured on the held-out split."""

    split: str
    samples: int
    top1_accuracy: float
    nll: float | None  # None where it is no finite number
    ece: float | None
    images_seen: int
    train_seconds: float
    peak_memory_bytes: int | None  # None where the trainer did not say


def of(evaluation: Mapping[str, Any]) -> dict[str, Any] | None:
    """`Figures` as JSON, of a `core.spec.Evaluation` as JSON. None where the held-out split was not evaluated."""
    name = evaluation.get("evaluation_split")
    split = evaluation.get("splits", {}).get(name)
    if name is None or split is None:
        return None
    return asdict(
        Figures(
            split=name,
            samples=split["samples"],
            top1_accuracy=split["top1_accuracy"],
            nll=split["nll"],
            ece=split["ece"],
            images_seen=evaluation["images_seen"],
            train_seconds=evaluation["train_seconds"],
            peak_memory_bytes=evaluation.get("peak_memory_bytes"),
        )
    )
