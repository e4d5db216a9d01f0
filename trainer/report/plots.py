"""Figures as SVG elements that take their colours from the page, so that they follow light, dark and paper.

No text of strangers is drawn here: class names stay in the page's tables.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from io import StringIO
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from contract.results.evaluation import Interval, LayerGradient, Reliability
from trainer.statistics.curves import Curve

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType  # since matplotlib 3.11

# Colours that stand for the page's own, see `_in_the_pages_colours`.
INK, FAINT, MAIN, CONTROL = "#010101", "#020202", "#030303", "#040404"
_VARIABLES = {INK: "var(--ink)", FAINT: "var(--faint)", MAIN: "var(--main)", CONTROL: "var(--control)"}
_STYLE: dict["RcKeyType", Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "font.size": 9,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "legend.facecolor": "none",
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",  # text that a reader can select and that the page's font draws
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}
WIDTH = 4.6  # inches, of which a page makes what it has room for
P = ParamSpec("P")


def _styled(draw: Callable[Concatenate[str, P], Figure]) -> Callable[Concatenate[str, P], Markup]:
    """Draws in our style, whatever the process has set, and gives the SVG."""

    @wraps(draw)
    def drawn(name: str, /, *arguments: P.args, **options: P.kwargs) -> Markup:
        # The salt makes ids that are the same each time and differ between the figures of a page.
        with mpl.rc_context(_STYLE | {"svg.hashsalt": name}):
            return _svg(draw(name, *arguments, **options), name)

    return drawn


@dataclass(frozen=True)
class Line:
    """A curve with its place in the legend; the main arm's are solid, the control's dashed."""

    label: str
    color: str
    xs: Sequence[float]
    ys: Sequence[float]
    thin: bool = False
    limits: Sequence[Interval] = ()  # of each point, where they are known


@_styled
def lines(_name: str, found: Sequence[Line], *, x: str, y: str, log: bool = False, whole: bool = False) -> Figure:
    """Curves over a common axis; `whole` where x counts whole things."""
    figure = Figure(figsize=(WIDTH, 2.9))
    axes = figure.subplots()
    for line in found:
        style = "-" if line.color == MAIN else "--"
        marker = "o" if len(line.xs) < 12 else None
        axes.plot(
            line.xs,
            line.ys,
            style,
            color=line.color,
            label=line.label,
            marker=marker,
            markersize=3.5,
            alpha=0.55 if line.thin else 1,
            linewidth=1 if line.thin else 1.6,
        )
        for x_place, limits in zip(line.xs, line.limits, strict=False):
            axes.vlines(x_place, *limits, color=line.color, linewidth=5, alpha=0.25)
    axes.set(xlabel=x, ylabel=y)
    if log:
        axes.set_yscale("log")
        _plain_powers(axes.yaxis)
    if whole:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(figure, axes)
    return figure


@_styled
def reliability(_name: str, arms: Mapping[str, Reliability]) -> Figure:
    """Accuracy by confidence, the diagonal of perfect calibration, and what share of the samples each bin holds."""
    figure = Figure(figsize=(WIDTH, 3.9))
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
    for number, (label, bins) in enumerate(arms.items()):
        color = CONTROL if number else MAIN
        full = [i for i, count in enumerate(bins.counts) if count]
        xs, ys = [bins.confidence[i] for i in full], [bins.accuracy[i] for i in full]
        axes.plot(xs, ys, "--" if number else "-", color=color, marker="o", markersize=3.5, label=label)
        axes.vlines(xs, xs, ys, color=color, linewidth=2.5, alpha=0.3)
        share = [count / sum(bins.counts) for count in bins.counts]
        below.stairs(share, bins.edges, color=color, fill=not number, alpha=1 if number else 0.5)
    axes.set(ylabel="accuracy", ylim=(0, 1.02), xlim=(0, 1))
    below.set(xlabel="confidence", ylabel="share")
    _legend(figure, axes)
    return figure


@_styled
def layers(_name: str, arms: Mapping[str, Sequence[LayerGradient]]) -> Figure:
    """Mean |gradient| of each layer, input at the top."""
    longest = max(len(rows) for rows in arms.values())
    figure = Figure(figsize=(WIDTH, max(2.4, 0.9 + 0.16 * longest)))
    axes = figure.subplots()
    for number, (label, rows) in enumerate(arms.items()):
        values = [row.mean_absolute for row in rows]
        line, marker, color = ("--", "s", CONTROL) if number else ("-", "o", MAIN)
        axes.plot(values, range(len(rows)), linestyle=line, marker=marker, color=color, markersize=3.5, label=label)
    names = [row.layer for row in next(iter(arms.values()))]
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    positive = all(row.mean_absolute > 0 for rows in arms.values() for row in rows)
    axes.set(xlabel="mean |gradient| of the weights")
    if positive:
        axes.set_xscale("log")
        _plain_powers(axes.xaxis)
    _legend(figure, axes)
    return figure


def curve_line(label: str, color: str, curve: Curve, *, thin: bool = False) -> Line:
    return Line(label, color, [epoch for epoch, _ in curve], [value for _, value in curve], thin)


def _legend(figure: Figure, axes: Axes) -> None:
    """Above the axes, where it hides nothing."""
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2, fontsize=8)


def _plain_powers(axis: Axis) -> None:
    """Ticks of a logarithmic axis as text; matplotlib's own are formulas, which are switched off."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _svg(figure: Figure, name: str) -> Markup:
    text = StringIO()
    figure.savefig(text, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", svg)  # the same in every figure, and nobody refers to them
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg)
    for color, variable in _VARIABLES.items():
        svg = svg.replace(color, variable)
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{name}"', 1))  # noqa: S704 - made here
