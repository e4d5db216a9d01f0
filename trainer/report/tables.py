"""The rows of the report's tables: numbers already as people read them, names still raw (the page escapes them)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contract.results.evaluation import ClassFigures, Evaluation, SegmentationSplit, SegmentedClass, SplitEvaluation
from contract.tasks import TERMS
from trainer.report.facts import Facts
from trainer.report.measures import Measure

AnyClass = ClassFigures | SegmentedClass
Confusable = SplitEvaluation | SegmentationSplit
CLASSES_SHOWN = 40
CONFUSIONS_SHOWN = 12


@dataclass(frozen=True)
class Cell:
    value: str
    interval: str = ""


@dataclass(frozen=True)
class Row:
    name: str
    better: str
    cells: list[Cell]  # one for each arm, then the difference where there is a control


def headline(facts: Facts) -> list[Row]:
    """Every figure of the held-out split, arm by arm, with what is known of their difference."""
    rows = []
    for measure in facts.view.measures:
        found = [facts.held_out(arm) for arm in facts.evaluations]
        values = [getattr(figures, measure.key) for figures in found]
        if all(value is None for value in values):
            continue
        limits = [figures.confidence_intervals.get(measure.key) for figures in found]
        cells = [Cell(measure.text(v), measure.range(i)) for v, i in zip(values, limits, strict=True)]
        if len(values) > 1:
            cells.append(_difference(facts, measure, values))
        rows.append(Row(measure.name, measure.better, cells))
    return rows


def budget(facts: Facts) -> list[Row]:
    """What the figures cost."""
    arms = list(facts.evaluations.values())
    known = {
        "images seen": [f"{arm.images_seen:,}" for arm in arms],
        "training, seconds": [f"{arm.train_seconds:,.1f}" for arm in arms],
        "peak memory of training, MB": [_megabytes(arm) for arm in arms],
        "parameters": [f"{arm.parameters:,}" for arm in arms],
        "multiply-adds per image": [f"{arm.macs:,}" for arm in arms],
    }
    return [Row(name, "", [Cell(value) for value in values]) for name, values in known.items()]


def pruning(facts: Facts) -> list[Row]:
    """Each pruned arm's network before and after, on the held-out split; empty where nothing was pruned."""
    rows = []
    for arm, found in facts.evaluations.items():
        if not (before := found.unpruned):
            continue
        after = facts.held_out(arm)
        values = {
            "Multiply-adds per image": _shrunk(before.macs, found.macs),
            "Parameters": _shrunk(before.parameters, found.parameters),
        } | {
            measure.name: _moved(measure, getattr(before, measure.key), getattr(after, measure.key))
            for measure in facts.view.measures
            if hasattr(before, measure.key)
        }
        rows += [Row(f"{name}, {facts.name(arm)}", "", cells) for name, cells in values.items()]
    return rows


def verdict(facts: Facts) -> tuple[str, str]:
    """Which arm won, as a word for the page's style and a sentence."""
    found = facts.evaluations["main"].against_control
    if found is None:
        return "unknown", "No baseline was trained, so whether the method helps on this data was not measured."
    terms = TERMS[facts.manifest.task]
    accuracy = found.figures[terms.headline]
    points = f"{100 * accuracy.difference:+.2f} points of {terms.headline_name} against the baseline"
    interval = f"95 % interval {100 * accuracy.interval[0]:+.2f} to {100 * accuracy.interval[1]:+.2f}"
    said = {
        "main": f"{facts.name('main')} won: {points} ({interval}).",
        "control": f"The baseline won: {facts.name('main')} is {points} ({interval}).",
        "noise": f"No winner: {facts.name('main')} is {points}, within noise ({interval}).",
    }
    return found.verdict, said[found.verdict]


def classes(published: Confusable, beside: Confusable | None) -> list[tuple[AnyClass, AnyClass | None]]:
    """Every class, or the ones worst recognised where there are many; of the published network and of the other."""
    ours: Sequence[AnyClass] = published.per_class
    theirs: Sequence[AnyClass | None] = beside.per_class if beside else [None] * len(ours)
    found = list(zip(ours, theirs, strict=True))
    if len(found) <= CLASSES_SHOWN:
        return found
    return sorted(found, key=lambda pair: 2 if pair[0].recall is None else pair[0].recall)[:CLASSES_SHOWN]


def confusions(published: SplitEvaluation) -> list[dict[str, Any]]:
    """The commonest errors, truth and prediction."""
    counts = np.array(published.confusion)
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    names = [figures.name for figures in published.per_class]
    superclass = [figures.superclass for figures in published.per_class]
    order = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS_SHOWN]
    pairs = [divmod(int(cell), len(counts)) for cell in order if wrong.flat[cell]]
    return [
        {
            "truth": names[t],
            "prediction": names[p],
            "count": int(wrong[t, p]),
            "share": f"{100 * wrong[t, p] / counts[t].sum():.1f} %",
            "related": superclass[t] is not None and superclass[t] == superclass[p],
        }
        for t, p in pairs
    ]


def shares(published: Confusable) -> Any:
    """The confusion matrix with each row as shares of its truth, (K, K)."""
    counts = np.array(published.confusion, dtype=np.float64)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def corruptions(facts: Facts) -> list[Row]:
    """Accuracy under each family at each severity, main arm over control."""
    found = {arm: facts.held_out(arm).robustness.get("corruptions") for arm in facts.evaluations}
    rows = []
    for family in (found["main"] or {}).get("top1_accuracy", {}):
        for arm, figures in found.items():
            if figures:
                values = [Cell(f"{100 * value:.1f}") for value in figures["top1_accuracy"][family]]
                rows.append(Row(f"{family}, {facts.name(arm)}", "", values))
    return rows


def _difference(facts: Facts, measure: Measure, values: list[float | None]) -> Cell:
    found = facts.evaluations["main"].against_control
    paired = found.figures.get(measure.key) if found else None
    if paired:
        limits = measure.range(paired.interval, signed=True).removesuffix(measure.unit)
        return Cell(measure.difference(paired.difference), limits)
    main, control = values
    return Cell("-" if main is None or control is None else measure.difference(main - control))


def _shrunk(before: int, after: int) -> list[Cell]:
    return [Cell(f"{before:,}"), Cell(f"{after:,}"), Cell(f"{after / before:.3f} x")]


def _moved(measure: Measure, before: float, after: float) -> list[Cell]:
    return [Cell(measure.text(before)), Cell(measure.text(after)), Cell(measure.difference(after - before))]


def _megabytes(arm: Evaluation) -> str:
    return "not measured" if arm.peak_memory_bytes is None else f"{arm.peak_memory_bytes / 1e6:,.0f}"
