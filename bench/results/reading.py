"""The figures in words. Every sentence is computed, so that it cannot outlive the figures."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bench.results import analysis, search
from bench.results.analysis import ALPHA, CONTROL, PATCH_SWAP, Distillation, Row
from bench.results.datasets import DATASETS, QUESTIONS
from bench.results.published import Published
from contract.specs.recipes import RECIPES
from contract.specs.recipes.fine_tuning import METHOD
from core.comparisons.statistics import PairedDifference, holm

Tables = Mapping[str, Sequence[Row]]


def in_short(real: Sequence[Published], small: Sequence[Published], tables: Tables) -> str:
    """The first lines of the page: one for each question, then where the default comes from."""
    lines = ["## In short", ""]
    for question, title in QUESTIONS.items():
        asked = [one for one in real if DATASETS[one.dataset].question == question]
        if asked:
            lines.append(wrapped(f"- **{title}.** {_told(asked, tables)}"))
    lines.append("- **Masks and boxes**, small and made scenes: [segmentation and detection](scenes.md).")
    if small:
        verdict = " ".join(line.removeprefix("- ") for line in _winners(_of(small, tables)))
        lines.append(
            wrapped(f"- **Small and made images**, all methods, tuned: {verdict} [Appendix](results_small.md).")
        )
    method = METHOD["classification"]["name"]
    lines.append(f"- **The default recipe** trains with `{method}`. Name another method to use it.")
    return "\n".join(lines)


def _told(asked: Sequence[Published], tables: Tables) -> str:
    """Each method's difference to cross-entropy on the data sets of one question, in sentences."""
    told = []
    for one in asked:
        rows = [row for row in tables[one.dataset] if row.difference]
        if not rows:
            continue
        listed = ", ".join(f"`{row.method}` {_points(row.difference)}" for row in rows)
        told.append(f"{DATASETS[one.dataset].title}, {_seeds(one)}: {listed}.")
    shown = _winners(_of([one for one in asked if len(one.seeds) > 1], tables))
    return " ".join([*told, *(line.removeprefix("- ") for line in shown)])


def summary(published: Sequence[Published], tables: Tables) -> str:
    ours = _of(published, tables)
    lines = ["## In short", "", *_winners(ours), *_distillation(published)]
    return "\n".join([*lines, "", *_overview(ours)])


def wrapped(text: str) -> str:
    """A paragraph or an item of a list in lines of 100 characters."""
    return textwrap.fill(text, 100, subsequent_indent="  " if text.startswith("- ") else "", break_on_hyphens=False)


def _of(published: Sequence[Published], tables: Tables) -> Tables:
    return {one.dataset: tables[one.dataset] for one in published}


def _seeds(one: Published) -> str:
    return "one seed, so no interval" if len(one.seeds) == 1 else f"{len(one.seeds)} seeds"


def defaults(published: Sequence[Published]) -> str:
    """Where the recipes' defaults come from, beside what was tuned here."""
    short = RECIPES["resnet20_short"].spec
    weight, rate = short["method"]["kd_weight"], short["optimizer"]["learning_rate"]
    weights = Counter(_tuned(published, "method.kd_weight"))
    rates = Counter(_tuned(published, search.RATE))
    return f"""## Where the recipes' defaults come from

The recipe `resnet20_short` takes `kd_weight` {weight:g} and a learning rate of {rate:g}.
Tuned here, patch swap took {_counted(weights, "kd_weight")}, and {_counted(rates, "learning rate")}.
The recipes of 200 epochs keep `kd_weight` 1 and the schedule of the literature (SGD 0.1, divided by ten at half and at
three quarters); nothing so long was run here. That half of the pairs are swapped, patches of a quarter of the side, k
uniform in 1..P-1 and temperature 4 are our choices or inferred, not published values, and were not tuned here."""


def of_dataset(published: Published, rows: Sequence[Row]) -> list[str]:
    better, worse = _names(row for row in rows if row.better), _names(row for row in rows if row.worse)
    compared = [row for row in rows if row.difference]
    told = f"Better than cross-entropy (Holm's p below {ALPHA}): {better or 'none'}. Worse: {worse or 'none'}."
    if len(compared) > 1:
        highest = max(compared, key=lambda row: row.difference.mean if row.difference else 0.0)
        told += f" The highest mean is that of {highest.method}."
    lines = [told]
    found = analysis.distillation(published)
    if found and (found.same_setting or found.both_tuned):
        lines += ["", wrapped(_of_distillation(found, tuned=DATASETS[published.dataset].arms is None))]
    if published.sources:
        named = "; ".join(f"{role}: {', '.join(names)}" for role, names in published.sources.items())
        lines += ["", f"Made of: {named}."]
    return lines


def notes(rows: Sequence[Row]) -> list[str]:
    """What a reader of the table must know: other budgets, teachers, seeds whose loss was lost."""
    told = []
    for row in rows:
        if row.method in search.TEACHERS:
            told.append(
                f"{row.method} learns from the seed's own cross-entropy run, whose images and time come on top."
            )
        if row.images and abs(row.images - 1) > 1e-9:
            told.append(f"{row.method} saw {row.images:.2f} times the images of the control.")
        if row.failures:
            told.append(f"{row.method} lost its loss with {row.failures} of the seeds, which are left out.")
    return [*told, ""] if told else []


def limits(published: Sequence[Published]) -> str:
    seeds = max(len(one.seeds) for one in published)
    return f"""## What this does not show

- {seeds} seeds find large differences only: with Holm's correction a method must be better with nearly every seed, and
  by nearly as much.
- Small images and one small network. Nothing here says how the methods rank on all of CIFAR-100 after 200 epochs; the
  recipes for such protocols are ready to run and say "not run here".
- On glyphs and parts ten epochs are over while methods that make training harder (CutMix, MixSKD, CS-KD, BAKE, patch
  swap) are still learning: their deficit there is one of speed at a small budget, and says nothing of where they end.
- Trainings on parts hang by a hair. The same run (cross-entropy, seed 0, rate 0.1, data equal bit by bit) ended at
  95 % of validation on an AMD EPYC and at 41 % on an Intel Xeon, which round otherwise. The rows are of one machine.
- The three sets of digits share their test images, so they are not three independent witnesses.
- {search.TRIALS} trials tune a learning rate and one weight, coarsely; a method's other settings are its defaults.
- Test images are fixed: intervals are over draws of training images and seeds, not over other test sets."""


def _winners(tables: Tables) -> list[str]:
    better = Counter(row.method for rows in tables.values() for row in rows if row.better)
    worse = Counter(row.method for rows in tables.values() for row in rows if row.worse)
    if not tables:
        return []
    sets = "of 1 data set" if len(tables) == 1 else f"of {len(tables)} data sets"
    if not better and not worse:
        return [f"- No method is shown to differ from cross-entropy beyond chance ({sets})."]
    lines = [f"- Better than cross-entropy beyond chance: {_by_count(better) or 'no method'} ({sets})."]
    return [*lines, f"- Worse beyond chance: {_by_count(worse) or 'no method'}."]


def _distillation(published: Sequence[Published]) -> list[str]:
    """One answer to whether the KL term helps, corrected for having asked it on every data set."""
    found = [one for one in map(analysis.distillation, published) if one and one.same_setting]
    if not found:
        return []
    differences = [one.same_setting for one in found if one.same_setting]
    adjusted = holm([difference.p_value for difference in differences])
    helps, hurts = [], []
    for one, difference, p_value in zip(found, differences, adjusted, strict=True):
        if p_value is not None and p_value < ALPHA:
            (helps if difference.mean > 0 else hurts).append(DATASETS[one.dataset].title)
    listed = "; ".join(f"{DATASETS[one.dataset].title} {_points(one.same_setting)}" for one in found)
    verdict = "is not shown to change anything"
    if helps or hurts:
        verdict = f"helps on {', '.join(helps) or 'no data set'} and hurts on {', '.join(hurts) or 'none'}"
    return [
        f"- The KL term beyond the swap, at the same setting, {verdict} (Holm over the data sets): {listed}.",
    ]


def _of_distillation(found: Distillation, *, tuned: bool) -> str:
    parts = []
    if found.same_setting:
        parts.append(
            f"{_points(found.same_setting)} against the same setting without it{_uncorrected(found.same_setting)}"
        )
    if found.both_tuned:
        by_itself = " tuned by itself" if tuned else ""
        parts.append(
            f"{_points(found.both_tuned)} against `patch_swap_only`{by_itself}{_uncorrected(found.both_tuned)}"
        )
    return f"The KL term of patch swap: {', and '.join(parts)}."


def _overview(tables: Tables) -> list[str]:
    """Mean differences of all methods on all data sets; bold where shown."""
    methods = dict.fromkeys(row.method for rows in tables.values() for row in rows if row.method != CONTROL)
    by_name = {name: {row.method: row for row in rows} for name, rows in tables.items()}
    cells = {method: [_cell(by_name[name].get(method)) for name in tables] for method in methods}
    means = {method: _mean([by_name[name].get(method) for name in tables]) for method in methods}
    ordered = sorted(methods, key=lambda method: -means[method])
    head = f"| points against cross_entropy | {' | '.join(DATASETS[name].title for name in tables)} | mean |"
    lines = [f"| {method} | {' | '.join(cells[method])} | {means[method]:+.2f} |" for method in ordered]
    return [head, "|---" * (len(tables) + 2) + "|", *lines, "", "Bold: Holm's p below 0.05 within the data set."]


def _cell(row: Row | None) -> str:
    if row is None or row.difference is None:
        return ""
    value = f"{row.difference.mean:+.2f}"
    return f"**{value}**" if row.better or row.worse else value


def _mean(rows: Iterable[Row | None]) -> float:
    found = [row.difference.mean for row in rows if row and row.difference]
    return sum(found) / len(found) if found else 0.0


def _tuned(published: Sequence[Published], name: str) -> list[float]:
    found = (one.tuned(PATCH_SWAP) for one in published if DATASETS[one.dataset].arms is None)
    return [settings[name] for settings in found if settings]


def _counted(values: Counter[float], what: str) -> str:
    if not values:
        return f"no {what}"
    return ", ".join(
        f"{what} {value:g} on {count} of {values.total()} data sets" for value, count in values.most_common()
    )


def _by_count(methods: Counter[str]) -> str:
    return ", ".join(f"{method} on {count}" for method, count in methods.most_common())


def _names(rows: Iterable[Row]) -> str:
    return ", ".join(row.method for row in rows)


def _points(found: PairedDifference | None) -> str:
    if found is None:
        return "not measured"
    reach = f" ({found.low:+.2f} to {found.high:+.2f})" if found.low is not None else ""
    return f"{found.mean:+.2f} points{reach}"


def _uncorrected(found: PairedDifference) -> str:
    return "" if found.p_value is None else f" (p {found.p_value:.3f}, uncorrected)"
