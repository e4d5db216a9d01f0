"""Who won, and whether that can be told at all. Plain statistics on what the service measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev
from typing import Any

# Two-sided 95 % quantiles of Student's t for 1, 2, 3 ... degrees of freedom.
_T95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)
_Z95 = 1.96


@dataclass(frozen=True)
class Figures:
    """One trained net on the test images."""

    top1_accuracy: float
    interval: tuple[float, float]  # 95 %, by the service
    ece: float
    samples: int
    images_seen: int

    @classmethod
    def of(cls, evaluation: dict[str, Any]) -> Figures:
        split = evaluation["splits"][evaluation["evaluation_split"]]
        low, high = split["confidence_intervals"]["top1_accuracy"]
        return cls(
            top1_accuracy=split["top1_accuracy"],
            interval=(low, high),
            ece=split["ece"],
            samples=split["samples"],
            images_seen=evaluation["images_seen"],
        )


@dataclass(frozen=True)
class Comparison:
    """Patch swap against its control, seed by seed, in percentage points."""

    differences: tuple[float, ...]
    margin: float  # 95 %: of the test images drawn and, where there are several, of the seeds

    @property
    def difference(self) -> float:
        return mean(self.differences)

    @property
    def is_noise(self) -> bool:
        return abs(self.difference) <= self.margin


def compare(control: Sequence[Figures], patch_swap: Sequence[Figures]) -> Comparison:
    """Both arms of the same seeds. The margin is cautious: it takes the two nets' errors for independent."""
    differences = tuple(
        100 * (ours.top1_accuracy - plain.top1_accuracy) for plain, ours in zip(control, patch_swap, strict=True)
    )
    # All seeds are judged by the same images, so more seeds do not make this part smaller.
    variance = sum(_variance(arm) for arm in (control, patch_swap))
    margin = (100 * _Z95) ** 2 * variance
    if (seeds := len(differences)) > 1:
        margin += (_T95[min(seeds - 2, len(_T95) - 1)] * stdev(differences)) ** 2 / seeds
    return Comparison(differences, sqrt(margin))


def sentence(comparison: Comparison) -> str:
    """One plain sentence, whoever won."""
    seeds = len(comparison.differences)
    difference, margin = comparison.difference, comparison.margin
    better = "patch swap" if difference > 0 else "the control"
    if comparison.is_noise:
        return (
            f"No winner: patch swap is {difference:+.2f} points against the control, within the noise of "
            f"+-{margin:.2f} points (95 %, {_count(seeds, 'seed')})."
        )
    wins = sum((d > 0) == (difference > 0) for d in comparison.differences)
    return (
        f"{better.capitalize()} won: {abs(difference):.2f} points better on average, more than the noise of "
        f"+-{margin:.2f} points (95 %), and better with {wins} of {_count(seeds, 'seed')}."
    )


def _variance(arm: Sequence[Figures]) -> float:
    """Of an accuracy over a draw of test images."""
    accuracy = mean(figures.top1_accuracy for figures in arm)
    return accuracy * (1 - accuracy) / arm[0].samples


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
