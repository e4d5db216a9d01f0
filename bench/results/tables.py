"""A data set's part of a page: what it is, the table of its methods, its picture."""

from collections.abc import Sequence

from bench.results import analysis, reading, search
from bench.results.analysis import Row
from bench.results.datasets import DATASETS
from bench.results.published import Published
from core.comparisons.statistics import MeanInterval, PairedDifference

HEAD = "| method | top-1, % | against cross_entropy, points | p (Holm) | ECE, % | NLL | time | setting |"


def section(published: Published, rows: Sequence[Row], picture: str, *, level: str = "##") -> str:
    """The table of a data set, its picture and what they say."""
    dataset = DATASETS[published.dataset]
    lines = [f"{level} {dataset.title}", "", reading.wrapped(f"{dataset.description} {_budget(published)}"), ""]
    lines += [HEAD, "|---" * 8 + "|", *(_line(row) for row in rows), ""]
    lines += reading.notes(rows)
    lines += [f"![Difference of each method to cross-entropy]({picture})", "", *reading.of_dataset(published, rows)]
    return "\n".join(lines)


def _budget(published: Published) -> str:
    dataset = DATASETS[published.dataset]
    step = "" if dataset.fine_tuned else f", {2 * dataset.pairs_per_batch} a step"
    return f"{published.epochs} epochs, each of two passes over the training images{step}."


def _line(row: Row) -> str:
    cells = (
        row.method,
        _interval(row.top1),
        "control" if row.method == analysis.CONTROL else _difference(row.difference),
        _p(row.p_value),
        _number(row.ece, 1),
        _number(row.nll, 3),
        f"{row.seconds:.2f}x",
        setting(row.settings),
    )
    return f"| {' | '.join(cells)} |"


def setting(settings: search.Settings) -> str:
    return ", ".join(f"{name.split('.')[1]} {value:g}" for name, value in settings.items())


def _interval(found: MeanInterval | None) -> str:
    if found is None:
        return "none trained"
    return f"{found.mean:.1f}" + (f" ({found.low:.1f} to {found.high:.1f})" if found.low is not None else "")


def _difference(found: PairedDifference | None) -> str:
    if found is None:
        return ""
    return f"{found.mean:+.2f}" + (f" ({found.low:+.2f} to {found.high:+.2f})" if found.low is not None else "")


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
