"""A comparison's table as text: CSV for programs, with all digits; Markdown for people, in percent and points."""

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Any

from contract.tasks import TERMS
from core.comparisons.table import ComparisonTable, Estimate, MethodRow

NOTHING = "-"


def as_csv(table: ComparisonTable) -> str:
    """One line a method. Accuracies and errors are fractions."""
    text = StringIO()
    lines = [_flat(row, table.metric) for row in table.rows]
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def as_markdown(table: ComparisonTable) -> str:
    headings = (
        "method",
        "jobs",
        f"{metric_name(table.metric)} %",
        "95 % interval",
        "to control, points",
        "95 % interval",
        "p",
        "p adjusted",
        "ECE %",
        "NLL",
        "images seen",
        "seconds",
        "peak memory, MB",
    )
    lines = [_line(headings), _line(["---", *["---:"] * (len(headings) - 1)])]
    lines += [_line(_cells(row)) for row in table.rows]
    return "\n".join([*lines, "", *(f"- {note}" for note in table.notes)]).rstrip() + "\n"


def metric_name(metric: str) -> str:
    """As people read it."""
    return next(terms.headline_name for terms in TERMS.values() if terms.headline == metric)


def p_value(value: float | None) -> str:
    if value is None:
        return NOTHING
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _flat(row: MethodRow, metric: str) -> dict[str, Any]:
    difference = row.difference
    return {
        "method": row.method,
        "is_control": str(row.is_control).lower(),
        "epochs": row.epochs,
        "jobs": row.jobs,
        "finished": row.finished,
        **_columns(metric, row.headline),
        **_columns("difference", difference),
        "difference_seeds": difference.seeds if difference else None,
        "p_value": difference.p_value if difference else None,
        "p_value_adjusted": difference.p_value_adjusted if difference else None,
        **_columns("ece", row.ece),
        **_columns("nll", row.nll),
        "images_seen": row.images_seen,
        "train_seconds": row.train_seconds,
        "peak_memory_bytes": row.peak_memory_bytes,
    }


def _columns(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    return {
        f"{name}_mean": estimate.mean if estimate else None,
        f"{name}_low": estimate.low if estimate else None,
        f"{name}_high": estimate.high if estimate else None,
    }


def _cells(row: MethodRow) -> list[str]:
    difference = row.difference
    return [
        f"{row.method} (control)" if row.is_control else row.method,
        f"{row.finished}/{row.jobs}",
        _percent(row.headline),
        _interval(row.headline),
        "" if row.is_control else _percent(difference, sign="+"),
        "" if row.is_control else _interval(difference, sign="+"),
        "" if row.is_control else p_value(difference.p_value if difference else None),
        "" if row.is_control else p_value(difference.p_value_adjusted if difference else None),
        _percent(row.ece),
        NOTHING if row.nll is None else f"{row.nll.mean:.3f}",
        NOTHING if row.images_seen is None else f"{row.images_seen:,.0f}",
        NOTHING if row.train_seconds is None else f"{row.train_seconds:.1f}",
        NOTHING if row.peak_memory_bytes is None else f"{row.peak_memory_bytes / 1e6:,.0f}",
    ]


def _percent(estimate: Estimate | None, *, sign: str = "") -> str:
    return NOTHING if estimate is None else f"{100 * estimate.mean:{sign}.2f}"


def _interval(estimate: Estimate | None, *, sign: str = "") -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return NOTHING
    return f"{100 * estimate.low:{sign}.2f} .. {100 * estimate.high:{sign}.2f}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
