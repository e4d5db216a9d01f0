"""The exports of a model as a picture: accuracy against bytes and against latency, the front joined by a line."""

from collections.abc import Callable
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

from core.pareto.front import Pareto, ParetoPoint, ParetoValue

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_INCHES, HEIGHT_INCHES, DPI = 9.0, 4.2, 150
_FRONT, _OTHER, _UNUSABLE = "#1f5f99", "#777777", "#b2182b"
_ONE_AT_A_TIME = Lock()  # matplotlib's caches of fonts and text are not safe for threads


def as_png(pareto: Pareto, title: str) -> bytes:
    """Filled: measured; hollow: estimated. Blue: on the front; red: the gate failed."""
    # Imported here, without pyplot, as in core.comparisons.plot.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with _ONE_AT_A_TIME:
        figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DPI)
        figure.set_layout_engine("constrained", rect=(0, 0.05, 1, 0.95))  # room for the legend
        FigureCanvasAgg(figure)
        by_bytes, by_latency = figure.subplots(1, 2, sharey=True)
        _draw(by_bytes, pareto, lambda point: point.bytes, scale=1e-6)
        _draw(by_latency, pareto, lambda point: point.latency_ms, scale=1.0)
        by_bytes.set_xlabel("model file, MB", fontsize=9)
        by_latency.set_xlabel("latency of one image, ms, median", fontsize=9)
        by_bytes.set_ylabel(f"{pareto.metric}, %", fontsize=9)
        figure.suptitle(title, fontsize=11, x=0.01, ha="left", parse_math=False)
        legend = "blue: on the front of accuracy, bytes and latency; red: gate failed; hollow: estimated"
        figure.text(0.99, 0.01, legend, fontsize=7.5, ha="right", color="#555555")
        picture = BytesIO()
        figure.savefig(picture, format="png")
    return picture.getvalue()


def _draw(axes: "Axes", pareto: Pareto, against: Callable[[ParetoPoint], ParetoValue | None], *, scale: float) -> None:
    for point in pareto.points:
        cost = against(point)
        if cost is None or point.accuracy is None:
            continue
        color = _FRONT if point.on_front else _UNUSABLE if point.status == "gate_failed" else _OTHER
        whole = cost.basis == point.accuracy.basis == "measured"
        where = (scale * cost.value, 100 * point.accuracy.value)
        axes.scatter(*where, s=42, facecolors=color if whole else "none", edgecolors=color, zorder=3)
        name = f"{point.format} {point.precision}"
        axes.annotate(name, where, (5, 5), textcoords="offset points", fontsize=8, color=color, parse_math=False)
    if pareto.trained_accuracy is not None:
        axes.axhline(100 * pareto.trained_accuracy, color="#bbbbbb", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.margins(x=0.2, y=0.15)
    axes.set_xlim(left=0)
    axes.grid(color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
