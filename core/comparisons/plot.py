"""A comparison's table as a picture: every seed a dot, each method's mean with its interval, the control as a line."""

from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

from core.comparisons.rendering import metric_name
from core.comparisons.table import ComparisonTable, MethodRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_INCHES, ROW_INCHES, FRAME_INCHES, DPI = 8.0, 0.5, 1.5, 150
BESIDE = 0.22  # of a row: the seeds' dots under their bar, which would hide them
_CONTROL, _METHOD, _BETTER, _WORSE = "#555555", "#1f5f99", "#1b7837", "#b2182b"
_ONE_AT_A_TIME = Lock()  # matplotlib's caches of fonts and text are not safe for threads


def as_png(table: ComparisonTable, title: str) -> bytes:
    """Methods from top to bottom as in the table; green or red where they differ from the control, adjusted p < .05."""
    # Imported here: 40 MB and half a second, which only who asks for a picture should pay. No pyplot: it keeps every
    # figure of the process.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with _ONE_AT_A_TIME:
        height = FRAME_INCHES + ROW_INCHES * len(table.rows)
        figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for place, row in enumerate(table.rows):
            _draw(axes, place, row)
        _frame(axes, table, title)
        picture = BytesIO()
        figure.savefig(picture, format="png")
    return picture.getvalue()


def _draw(axes: "Axes", place: int, row: MethodRow) -> None:
    if row.headline is None:
        return
    color = _color(row)
    seeds = [100 * value for value in row.headline_by_seed.values()]
    axes.scatter(seeds, [place + BESIDE] * len(seeds), s=22, color=color, alpha=0.45, linewidths=0, zorder=2)
    found = row.headline
    if found.low is not None and found.high is not None:
        axes.hlines(place, 100 * found.low, 100 * found.high, color=color, linewidth=2, zorder=3)
    axes.scatter([100 * found.mean], [place], s=42, marker="D", color=color, zorder=4)
    if row.is_control:
        axes.axvline(100 * found.mean, color=color, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)


def _color(row: MethodRow) -> str:
    if row.is_control:
        return _CONTROL
    difference = row.difference
    if difference is None or difference.p_value_adjusted is None or difference.p_value_adjusted >= 0.05:
        return _METHOD
    return _BETTER if difference.mean > 0 else _WORSE


def _frame(axes: "Axes", table: ComparisonTable, title: str) -> None:
    axes.set_yticks(range(len(table.rows)), [_name(row) for row in table.rows])
    axes.set_ylim(len(table.rows) - 0.5, -0.5)
    axes.set_title(title, loc="left", fontsize=11, parse_math=False)
    split = f"{table.split} split, {table.samples:,} images" if table.split else "no job finished yet"
    legend = "dots: seeds; diamonds: means; bars: 95 % t-intervals over seeds\n"
    legend += "green, red: above, below the control, adjusted p < 0.05"
    axes.set_xlabel(f"{metric_name(table.metric)}, % ({split})\n{legend}", fontsize=8.5)
    low, high = axes.get_xlim()
    axes.set_xlim(max(low, -1), min(high, 101))  # of two seeds an interval may reach beyond what there can be
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.tick_params(axis="x", labelsize=9)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _name(row: MethodRow) -> str:
    return f"{row.method}\n{row.finished} of {row.jobs} seeds" if row.finished < row.jobs else row.method
