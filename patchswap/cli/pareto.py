"""A model's files for a person: the table, and a plot of accuracy against what it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from patchswap.cli.output import printable, size, table

if TYPE_CHECKING:
    from patchswap.resources import Pareto, ParetoPoint, ParetoValue

WIDTH, HEIGHT = 60, 14
_MARKS = "123456789abcdefghijklmnopqrstuvwxyz"
Spot = tuple[float, float, str]  # x, y, mark


def as_table(pareto: Pareto) -> str:
    """`*`: on the front. `~`: estimated."""
    rows = [
        (
            "*" if point.on_front else "",
            point.export_id,
            point.format,
            point.precision,
            _shown(point.bytes, lambda value: f"{value:,.0f}"),
            _shown(point.accuracy, lambda value: f"{100 * value:.2f}"),
            _shown(point.drop_points, lambda value: f"{value:.2f}"),
            _shown(point.latency_ms, lambda value: f"{value:.3f}"),
            point.status,
        )
        for point in pareto.points
    ]
    headings = (
        "",
        "ID",
        "FORMAT",
        "PRECISION",
        "BYTES",
        f"{printable(pareto.metric).upper()} %",
        "DROP",
        "MS",
        "STATUS",
    )
    return table(headings, rows)


def as_plot(pareto: Pareto, against: str) -> str:
    """Accuracy upwards, `bytes` or `latency_ms` to the right; a mark a file, explained below."""
    spots: list[Spot] = []
    legend = []
    for mark, point in zip(_MARKS, pareto.points, strict=False):
        cost: ParetoValue | None = getattr(point, against)
        if cost is None or point.accuracy is None:
            continue
        spots.append((cost.value, 100 * point.accuracy.value, mark))
        legend.append(_explained(mark, point))
    if not spots:
        return "nothing to plot: no file has an accuracy and a " + ("size" if against == "bytes" else "latency")
    label = size if against == "bytes" else (lambda value: f"{value:.3g} ms")
    lines = scatter(spots, y_label=f"{printable(pareto.metric)} %", low=label(min(spots)[0]), high=label(max(spots)[0]))
    return "\n".join([*lines, "", *legend])


def scatter(spots: Sequence[Spot], *, y_label: str, low: str, high: str) -> list[str]:
    """A plot of characters; of spots on one place the first is shown. `low` and `high` name the ends of the x axis."""
    columns = _places([x for x, _, _ in spots], WIDTH)
    rows = _places([y for _, y, _ in spots], HEIGHT)
    grid = [[" "] * WIDTH for _ in range(HEIGHT)]
    for column, row, (_, _, mark) in zip(columns, rows, spots, strict=True):
        if grid[HEIGHT - 1 - row][column] == " ":
            grid[HEIGHT - 1 - row][column] = mark
    top, bottom = (f"{pick(y for _, y, _ in spots):.2f}" for pick in (max, min))
    margin = max(len(top), len(bottom))
    names = {0: top, HEIGHT - 1: bottom}
    lines = [f"{names.get(index, ''):>{margin}} |{''.join(line)}".rstrip() for index, line in enumerate(grid)]
    axis = f"{'':>{margin}} +{'-' * WIDTH}"
    ends = f"{'':>{margin}}  {low}{high:>{max(1, WIDTH - len(low))}}"
    return [f"{'':>{margin}} {y_label}", *lines, axis, ends]


def _places(values: Sequence[float], cells: int) -> list[int]:
    low, high = min(values), max(values)
    if high == low:
        return [cells // 2] * len(values)
    return [round((value - low) / (high - low) * (cells - 1)) for value in values]


def _explained(mark: str, point: ParetoPoint) -> str:
    front = ", on the front" if point.on_front else ""
    return f"{mark}  {printable(point.format)} {printable(point.precision)}, {point.status}{front}"


def _shown(value: ParetoValue | None, text: Callable[[float], str]) -> str | None:
    if value is None:
        return None
    return ("~" if value.basis == "estimated" else "") + text(value.value)
