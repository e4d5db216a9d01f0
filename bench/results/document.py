"""docs/results.md of real images, and docs/results_small.md of small and made ones, from the published raw results."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.results import analysis, appendix, plots, reading, tables
from bench.results.analysis import Row
from bench.results.datasets import DATASETS, QUESTIONS
from bench.results.published import Published

PAGE, APPENDIX, PICTURES = "results.md", "results_small.md", "results"


def write(docs: Path, published: Sequence[Published]) -> None:
    """Both pages and the plots of the data sets."""
    found = {one.dataset: analysis.rows(one) for one in published}
    pictures = {name: _plotted(docs, name, rows) for name, rows in found.items()}
    real = [one for one in published if DATASETS[one.dataset].question]
    small = [one for one in published if not DATASETS[one.dataset].question]
    (docs / PAGE).write_text(_page(real, small, found, pictures))
    (docs / APPENDIX).write_text(appendix.page(small, found, pictures))


def _plotted(docs: Path, name: str, rows: Sequence[Row]) -> str:
    path = docs / PICTURES / f"{name}.png"
    plots.write(path, DATASETS[name].title, rows)
    return str(path.relative_to(docs))


def _page(
    real: Sequence[Published],
    small: Sequence[Published],
    found: reading.Tables,
    pictures: Mapping[str, str],
) -> str:
    parts = [_head(), reading.in_short(real, small, found)]
    for question, title in QUESTIONS.items():
        asked = [one for one in real if DATASETS[one.dataset].question == question]
        if asked:
            parts.append(f"## {title}")
            parts += [tables.section(one, found[one.dataset], pictures[one.dataset], level="###") for one in asked]
    return "\n\n".join([*parts, _protocol(real), LIMITS]) + "\n"


def _head() -> str:
    return """# Results

After this page you know when a training method is worth naming, and what was measured to say so.
`python -m bench.results` writes this page and [its appendix](results_small.md) from the raw results
in [results/](results/). It runs what is missing and may be stopped and started at will."""


def _protocol(real: Sequence[Published]) -> str:
    machines = "; ".join(dict.fromkeys(one.machine for one in real)) or "none yet"
    return f"""## How it was measured

- **Equal images.** Every method sees as many images a step and as many steps
  ([decision 1](decisions/0001-an-epoch-is-a-pass-over-the-anchors.md)).
- **Paired seeds.** Each seed draws its own training images, the same for all methods. The test
  split is looked at once, after the last epoch.
- **Intervals** are 95 %, of Student's t over the seeds. p-values are of the paired t-test,
  corrected for the number of methods by Holm.
- **Nothing is tuned** on these sets: every method takes the setting in the last column.
- **Time** is CPU time of the training relative to cross-entropy's, the median over seeds.
{reading.wrapped(f"- **Machine:** {machines}.")}

```bash
python -m bench.results --only cifar100_50 clothing_40 --data FOLDER   # FOLDER holds the archives
```

The photographs are those of [fine-tuning](finetuning.md#what-it-is-worth). CIFAR-100 (Krizhevsky
2009) is expected as `cifar100.zip` with a folder `train/CLASS/` and a folder `test/CLASS/`."""


LIMITS = """## What this does not show

- Few seeds find large differences only. One seed finds nothing: it has no interval.
- Test images are fixed, or split from few: intervals are over draws and seeds, not over other data.
- One network for each question, and schedules of minutes. The recipes of the literature, with 200
  epochs, are ready to run and say "not run here".
- A method that needs another learning rate than cross-entropy is not done justice where nothing is
  tuned."""
