"""One picture for each data set: how far each method is from cross-entropy, with its 95 % interval."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.results.analysis import Row

mpl.use("Agg")
SHOWN, UNSHOWN = "#1b6ca8", "#8a8a8a"


def write(path: Path, title: str, rows: Sequence[Row]) -> None:
    """The methods as in the table, the best on top; coloured where Holm's p-value is below 0.05."""
    drawn = [row for row in reversed(rows) if row.difference]
    figure = Figure(figsize=(7, 1.3 + 0.27 * len(drawn)), layout="constrained")
    axes = figure.subplots()
    for height, row in enumerate(drawn):
        _draw(axes, row, height)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(drawn)), [row.method for row in drawn])
    axes.set_xlabel("points of test top-1 against cross_entropy, mean and 95 % interval")
    axes.set_ylim(-0.6, len(drawn) - 0.4)
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})  # nothing that differs where the figures do not


def _draw(axes: mpl.axes.Axes, row: Row, height: int) -> None:
    found = row.difference
    if found is None:
        return
    colour = SHOWN if row.better or row.worse else UNSHOWN
    if found.low is not None and found.high is not None:
        axes.plot([found.low, found.high], [height, height], color=colour, linewidth=2)
    axes.plot([found.mean], [height], "o", color=colour)
