"""The few figures of a model that tables compare, beside its whole evaluation, which may have a megabyte."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from contract.tasks import TERMS


@dataclass(frozen=True)
class Figures:
    """What one trained net measured on the held-out split. Of its accuracies there is the one of its task."""

    split: str
    samples: int
    nll: float | None  # None where it is no finite number, or none of the task's
    ece: float | None
    images_seen: int
    train_seconds: float
    peak_memory_bytes: int | None  # None where the trainer did not say
    top1_accuracy: float | None = None
    mean_iou: float | None = None
    ap: float | None = None

    @property
    def metric(self) -> str:
        """The name of the task's headline figure."""
        return next(terms.headline for terms in TERMS.values() if getattr(self, terms.headline) is not None)

    @property
    def headline(self) -> float:
        return float(getattr(self, self.metric))


def of(evaluation: Mapping[str, Any]) -> dict[str, Any] | None:
    """`Figures` as JSON, of an `Evaluation` as JSON. None where the held-out split was not evaluated."""
    name = evaluation.get("evaluation_split")
    split = evaluation.get("splits", {}).get(name)
    if name is None or split is None:
        return None
    figures = Figures(
        split=name,
        samples=split["samples"],
        nll=split.get("nll"),
        ece=split.get("ece"),
        images_seen=evaluation["images_seen"],
        train_seconds=evaluation["train_seconds"],
        peak_memory_bytes=evaluation.get("peak_memory_bytes"),
        **headline_of(split),
    )
    # Another task's accuracies are left out: readers older than that task do not know them.
    others = {terms.headline for terms in TERMS.values()} - {figures.metric}
    return {key: value for key, value in asdict(figures).items() if key not in others}


def headline_of(split: Mapping[str, Any]) -> dict[str, Any]:
    """A split's headline figure by its name. Classification is what was evaluated before there were other tasks."""
    name = TERMS[split.get("task", "classification")].headline
    return {name: split[name]}
