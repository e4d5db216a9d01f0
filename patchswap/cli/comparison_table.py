"""A comparison's table for a terminal, in two parts that fit a hundred columns each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patchswap.cli.output import metric_name, printable, size, table

if TYPE_CHECKING:
    from patchswap.calls.comparisons import Comparison, Estimate, MethodRow

_ACCURACY = ("95 % INTERVAL", "POINTS", "95 % INTERVAL", "P", "P ADJUSTED")
_COSTS = ("METHOD", "ECE %", "NLL", "IMAGES SEEN", "SECONDS", "PEAK MEMORY")


def text_of(comparison: Comparison) -> str:
    """Its state in a line, accuracies and differences to the control, costs, and what a reader must know."""
    found = comparison.table
    head = f"{comparison.id} {comparison.name or ''}".rstrip() + f": {comparison.status}"
    if found is None:
        return printable(head)
    if found.split is None:
        return f"{printable(head)}; no job has finished yet"
    headings = ("METHOD", "JOBS", f"{metric_name(found.metric).upper()} %", *_ACCURACY)
    accuracy = table(headings, [_accuracy(row) for row in found.rows])
    costs = table(_COSTS, [_costs(row) for row in found.rows])
    notes = "\n".join(printable(note) for note in found.notes)
    return "\n\n".join(part for part in (printable(head), accuracy, costs, notes) if part)


def _accuracy(row: MethodRow) -> tuple[Any, ...]:
    found = row.difference
    return (
        f"{row.method} (control)" if row.is_control else row.method,
        f"{row.finished}/{row.jobs}",
        _percent(row.headline),
        _interval(row.headline),
        _percent(found, sign="+"),
        _interval(found, sign="+"),
        _p_value(found.p_value if found else None),
        _p_value(found.p_value_adjusted if found else None),
    )


def _costs(row: MethodRow) -> tuple[Any, ...]:
    return (
        row.method,
        _percent(row.ece),
        None if row.nll is None else f"{row.nll.mean:.3f}",
        None if row.images_seen is None else f"{row.images_seen:,.0f}",
        None if row.train_seconds is None else f"{row.train_seconds:,.1f}",
        size(row.peak_memory_bytes),
    )


def _percent(estimate: Estimate | None, *, sign: str = "") -> str | None:
    return None if estimate is None else f"{100 * estimate.mean:{sign}.2f}"


def _interval(estimate: Estimate | None, *, sign: str = "") -> str | None:
    if estimate is None or estimate.low is None or estimate.high is None:
        return None
    return f"{100 * estimate.low:{sign}.2f} .. {100 * estimate.high:{sign}.2f}"


def _p_value(value: float | None) -> str | None:
    if value is None:
        return None
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"
