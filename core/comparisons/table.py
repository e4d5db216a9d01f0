"""The table of a comparison: each method's figures over its seeds, and its paired difference to the control."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, cast

from pydantic import BaseModel, Field

from contract.results.headline import Figures
from contract.tasks import TERMS
from core.comparisons.spec import Budget
from core.comparisons.statistics import CONFIDENCE, MeanInterval, PairedDifference, holm, mean_interval
from core.comparisons.statistics import paired_difference as paired
from core.comparisons.trials import Trial
from core.tables import Comparison


class Estimate(BaseModel):
    """A mean over seeds with its interval. No interval where the seeds show no spread, or there is one only."""

    mean: float
    low: float | None
    high: float | None


class DifferenceToControl(Estimate):
    """To the control, over the seeds that both finished."""

    seeds: int
    p_value: float | None = Field(description="Of the paired t-test, two-sided; null without an interval.")
    p_value_adjusted: float | None = Field(description="The p-value, corrected for the number of methods (Holm).")


class MethodRow(BaseModel):
    method: str
    is_control: bool
    epochs: int
    jobs: int
    finished: int = Field(description="Jobs that succeeded: only these are in the figures.")
    headline: Estimate | None = Field(description="Of the table's metric.")
    headline_by_seed: dict[int, float]
    top1_accuracy: Estimate | None = Field(description="The same, of classification; null for another task.")
    top1_accuracy_by_seed: dict[int, float]
    difference: DifferenceToControl | None = Field(description="Of the headline; null for the control itself.")
    ece: Estimate | None
    nll: Estimate | None
    images_seen: float | None = Field(description="Mean of the jobs; equal in all of them unless some stopped early.")
    train_seconds: float | None = Field(description="Mean of the jobs.")
    peak_memory_bytes: int | None = Field(description="Of the job that took most.")


class ComparisonTable(BaseModel):
    comparison_id: str
    budget: Budget
    metric: str = Field(description="The task's headline figure, a fraction: top1_accuracy, mean_iou or ap.")
    split: str | None = Field(description="The held-out images that all figures are of.")
    samples: int | None
    confidence: float = Field(description="Confidence of all intervals.")
    rows: list[MethodRow] = Field(description="The control first.")
    notes: list[str] = Field(description="What a reader must know of these figures.")


def build(comparison: Comparison, trials: Sequence[Trial]) -> ComparisonTable:
    by_method: dict[int, list[Trial]] = {index: [] for index in range(len(comparison.methods))}
    for trial in trials:
        by_method[trial.method].append(trial)
    finished = {
        index: {trial.seed: trial.figures for trial in own if trial.figures} for index, own in by_method.items()
    }
    differences = _differences(comparison.methods, finished)
    rows = [
        _row(method, len(by_method[index]), finished[index], differences[index])
        for index, method in enumerate(comparison.methods)
    ]
    any_figures = next((one for figures in finished.values() for one in figures.values()), None)
    return ComparisonTable(
        comparison_id=comparison.id,
        budget=cast("Budget", comparison.budget),
        metric=any_figures.metric if any_figures else TERMS["classification"].headline,
        split=any_figures.split if any_figures else None,
        samples=any_figures.samples if any_figures else None,
        confidence=CONFIDENCE,
        rows=rows,
        notes=_notes(comparison.budget, rows, any_figures),
    )


def _differences(
    methods: Sequence[Mapping[str, Any]], finished: Mapping[int, Mapping[int, Figures]]
) -> list[DifferenceToControl | None]:
    accuracy = {index: {seed: one.headline for seed, one in figures.items()} for index, figures in finished.items()}
    control = next(index for index, method in enumerate(methods) if method["is_control"])
    found = [None if index == control else paired(accuracy[index], accuracy[control]) for index in range(len(methods))]
    adjusted = holm([one.p_value if one else None for one in found])
    return [_difference(one, p) if one else None for one, p in zip(found, adjusted, strict=True)]


def _difference(one: PairedDifference, adjusted: float | None) -> DifferenceToControl:
    low, high = _within(one.low, least=-1, most=1), _within(one.high, least=-1, most=1)
    return DifferenceToControl(
        mean=one.mean, low=low, high=high, seeds=one.n, p_value=one.p_value, p_value_adjusted=adjusted
    )


def _row(
    method: Mapping[str, Any], jobs: int, figures: Mapping[int, Figures], difference: DifferenceToControl | None
) -> MethodRow:
    ran = list(figures.values())
    memory = [one.peak_memory_bytes for one in ran if one.peak_memory_bytes is not None]
    seen = mean_interval([one.images_seen for one in ran])
    seconds = mean_interval([one.train_seconds for one in ran])
    return MethodRow(
        method=method["label"],
        is_control=method["is_control"],
        epochs=method["epochs"],
        jobs=jobs,
        finished=len(ran),
        headline=_estimate([one.headline for one in ran]),
        headline_by_seed={seed: figures[seed].headline for seed in sorted(figures)},
        top1_accuracy=_estimate([one.top1_accuracy for one in ran]),
        top1_accuracy_by_seed={
            seed: top1 for seed in sorted(figures) if (top1 := figures[seed].top1_accuracy) is not None
        },
        difference=difference,
        ece=_estimate([one.ece for one in ran]),
        nll=_estimate([one.nll for one in ran], most=inf),
        images_seen=seen.mean if seen else None,
        train_seconds=seconds.mean if seconds else None,
        peak_memory_bytes=max(memory, default=None),
    )


def _estimate(values: Sequence[float | None], *, most: float = 1) -> Estimate | None:
    """None where a job lacks the figure: a mean over the others would be of other seeds than the accuracy's.

    Student's interval knows no bounds: of few seeds it reaches beyond what the figure can be, and is cut there.
    """
    known = [value for value in values if value is not None]
    found: MeanInterval | None = mean_interval(known) if len(known) == len(values) else None
    if found is None:
        return None
    return Estimate(mean=found.mean, low=_within(found.low, most=most), high=_within(found.high, most=most))


def _within(limit: float | None, *, least: float = 0, most: float) -> float | None:
    return None if limit is None else min(max(limit, least), most)


def _notes(budget: str, rows: Sequence[MethodRow], any_figures: Figures | None) -> list[str]:
    notes = _notes_of_methods(rows)
    if any(row.finished == 2 for row in rows):
        notes.append(
            "An interval over 2 seeds reaches 9 standard deviations to each side; over 5 seeds it reaches 1.2. "
            "Add seeds before you choose a method."
        )
    if any_figures is not None:
        notes.append(
            f"Intervals are over seeds, all judged by the same {any_figures.samples} images of the "
            f"{any_figures.split} split. They do not say how much other images would change."
        )
    seen = [row.images_seen for row in rows if row.images_seen is not None]
    if budget == "images_seen" and seen and max(seen) > min(seen):
        notes.append(f"Methods did not see equally many images: {min(seen):,.0f} to {max(seen):,.0f}.")
    if budget == "epochs":
        notes.append("With the budget `epochs`, plain methods saw half as many images as two-view methods.")
    return notes


def _notes_of_methods(rows: Sequence[MethodRow]) -> list[str]:
    """Each note once, with the methods that it is true of."""
    methods: dict[str, list[str]] = {}
    for row in rows:
        for note in _notes_of(row):
            methods.setdefault(note, []).append(row.method)
    return [f"{_named(names, of=len(rows))}: {note}" for note, names in methods.items()]


def _named(methods: Sequence[str], *, of: int) -> str:
    if len(methods) == of and of > 1:
        return "All methods"
    return " and ".join([*([", ".join(methods[:-1])] if len(methods) > 1 else []), methods[-1]])


def _notes_of(row: MethodRow) -> list[str]:
    if row.finished < 2:
        return [f"{row.finished} of {row.jobs} jobs finished. An interval and a p-value need two."]
    notes = [f"{row.finished} of {row.jobs} jobs finished."] if row.finished < row.jobs else []
    difference = row.difference
    if difference is None:
        return notes
    if difference.seeds < row.finished:
        notes.append(f"Compared over the {difference.seeds} seeds that the baseline finished too.")
    if difference.seeds > 1 and difference.p_value is None:
        notes.append("The difference is the same with every seed, so there is no spread to judge it by.")
    return notes
