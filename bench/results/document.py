"""docs/results.md: tables, plots and a reading, all computed from the published raw results."""

from collections.abc import Sequence
from pathlib import Path

from bench.results import analysis, plots, reading, search
from bench.results.analysis import Row
from bench.results.datasets import DATASETS
from bench.results.published import Published
from core.comparisons.statistics import MeanInterval, PairedDifference

HEAD = "| method | top-1, % | against cross_entropy, points | p (Holm) | ECE, % | NLL | time | setting |"


def write(path: Path, published: Sequence[Published], *, pictures: Path) -> None:
    """The document and its plots, which lie in a folder beside it. What people know comes first."""
    published = sorted(published, key=lambda one: DATASETS[one.dataset].arms is None)
    tables = {one.dataset: analysis.rows(one) for one in published}
    parts = [_head(published), reading.summary(published, tables), reading.defaults(published)]
    for one in published:
        picture = pictures / f"{one.dataset}.png"
        plots.write(picture, DATASETS[one.dataset].title, tables[one.dataset])
        parts.append(_section(one, tables[one.dataset], str(picture.relative_to(path.parent))))
    path.write_text("\n\n".join([*parts, reading.limits(published)]) + "\n")


def _head(published: Sequence[Published]) -> str:
    machines = "; ".join(dict.fromkeys(one.machine for one in published))
    seeds = ", ".join(str(seed) for seed in max((one.seeds for one in published), key=len))
    return f"""# Results

Written by `make results` (`python -m bench.results`), which runs what is missing and may be stopped and started at
will, from the raw results in [results/](results/). Machine: {machines}.

**Protocol.** ResNet-20, SGD with Nesterov momentum 0.9, weight decay 5e-4, warm-up over a tenth, then cosine;
as many images a step for every method, so equal epochs are equal images seen (decision 0001). Where a data set does
not say otherwise, each method is tuned on the validation split by {search.TRIALS} trials at seed 0: two learning rates
with two values of its main weight, or
four learning rates where it has no weight. The setting with the highest validation accuracy (of equal ones, the lower
loss) is then trained with the seeds {seeds} and looked at once on the test split. Each seed draws its own
training images, the same for all methods, so that differences are paired. Intervals are 95 %, of Student's t over
seeds; p-values are of the paired t-test, corrected for the number of methods by Holm. Time is CPU time of the training,
relative to cross-entropy's, the median over seeds."""


def _section(published: Published, rows: Sequence[Row], picture: str) -> str:
    dataset = DATASETS[published.dataset]
    lines = [f"## {dataset.title}", "", f"{dataset.description} {_budget(published)}", ""]
    lines += [HEAD, "|---" * 8 + "|", *(_line(row) for row in rows), ""]
    lines += reading.notes(rows)
    lines += [f"![Difference of each method to cross-entropy]({picture})", "", *reading.of_dataset(published, rows)]
    return "\n".join(lines)


def _budget(published: Published) -> str:
    images = 2 * DATASETS[published.dataset].pairs_per_batch
    return f"{published.epochs} epochs, each of two passes over the training images, {images} a step."


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
