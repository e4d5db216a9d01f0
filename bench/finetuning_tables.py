"""The figures of `bench/finetuning.py` as they are published: docs/results/finetuning.json and a part of a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from pydantic import BaseModel

from bench.finetuning_plan import ARMS, DATASETS, DEFAULT, PLAIN, SCRATCH
from bench.finetuning_runs import Record, Timing
from bench.pages import write_between
from bench.results.records import as_text
from core.comparisons.statistics import PairedDifference, paired_difference

BEGIN, END = "<!-- figures: written by `python bench/finetuning.py` -->", "<!-- end -->"
WORST_DIFFERENCE, MEAN_DIFFERENCE, SCRATCH_DIFFERENCE = -1.0, 0.0, 20.0  # percentage points
STEP_LIMIT, FEED_LIMIT = 1.05, 0.10


class Paces(BaseModel):
    """What was timed once, so that a bench that is continued plans the same runs."""

    scratch: dict[str, float] = {}  # dataset -> epochs from scratch that take as long as one of the default's
    timing: Timing | None = None


class Published(Paces):
    machine: str
    records: list[Record]


def read(docs: Path) -> Published:
    """What was published before."""
    path = docs / "results" / "finetuning.json"
    return Published.model_validate_json(path.read_bytes()) if path.exists() else Published(machine="", records=[])


def publish(docs: Path, found: Published) -> None:
    (docs / "results").mkdir(parents=True, exist_ok=True)
    (docs / "results" / "finetuning.json").write_text(as_text(found, found.records))
    write_between(docs / "finetuning.md", BEGIN, END, tables(found))


def tables(found: Published) -> str:
    lines = ["", *(_accuracies(found.records) if found.records else ["No training was run yet."]), "", *_targets(found)]
    return "\n".join([*lines, "", f"Measured on {found.machine}.", ""])


def by_seed(records: Sequence[Record], dataset: str, arm: str) -> dict[int, float]:
    """Top-1 accuracy on test, in percent."""
    return {one.seed: 100 * one.test for one in records if (one.dataset, one.arm) == (dataset, arm)}


def _accuracies(records: Sequence[Record]) -> list[str]:
    lines = [
        "| dataset | arm | seeds | px | epochs | images seen | CPU seconds | test top-1, % | to the plain script |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for dataset in DATASETS:
        for arm in ARMS:
            mine = [one for one in records if (one.dataset, one.arm) == (dataset, arm)]
            if mine:
                lines.append(_row(dataset, arm, mine, _difference(records, dataset, arm, PLAIN)))
    return lines


def _row(dataset: str, arm: str, mine: Sequence[Record], apart: PairedDifference | None) -> str:
    accuracy, seconds = fmean(100 * one.test for one in mine), fmean(one.cpu_seconds for one in mine)
    against = "" if arm == PLAIN else signed(apart)
    one = mine[0]
    cells = [
        dataset,
        arm,
        str(len(mine)),
        str(one.side_px),
        str(one.epochs),
        f"{one.images_seen:,}",
        f"{seconds:,.0f}",
        f"{accuracy:.1f}",
        against,
    ]
    return f"| {' | '.join(cells)} |"


def _targets(found: Published) -> list[str]:
    lines = ["| target | goal | measured | met |", "|---|---|---|---|"]
    means = [d.mean for d in (_difference(found.records, name, DEFAULT, PLAIN) for name in DATASETS) if d]
    scratch = [d.mean for d in (_difference(found.records, name, DEFAULT, SCRATCH) for name in DATASETS) if d]
    if means:
        lines.append(_target("default - plain, worst dataset, points", WORST_DIFFERENCE, min(means)))
        lines.append(_target("default - plain, mean of datasets, points", MEAN_DIFFERENCE, fmean(means)))
    if scratch:
        lines.append(_target("default - from scratch, worst dataset, points", SCRATCH_DIFFERENCE, min(scratch)))
    if timing := found.timing:
        what = f"step of {timing.images} images at 160 px / plain script's"
        lines.append(_target(what, STEP_LIMIT, timing.step_to_plain, at_most=True))
        lines.append(_target("decoding and augmentation / step", FEED_LIMIT, timing.feed_share, at_most=True))
    return lines


def _target(what: str, goal: float, measured: float, *, at_most: bool = False) -> str:
    met = measured <= goal if at_most else measured >= goal
    return f"| {what} | {'<=' if at_most else '>='} {goal:g} | {measured:.2f} | {'yes' if met else 'no'} |"


def _difference(records: Sequence[Record], dataset: str, arm: str, other: str) -> PairedDifference | None:
    return paired_difference(by_seed(records, dataset, arm), by_seed(records, dataset, other))


def signed(apart: PairedDifference | None) -> str:
    if apart is None:
        return "not run"
    return f"{apart.mean:+.1f}" if apart.low is None else f"{apart.mean:+.1f} ({apart.low:+.1f} to {apart.high:+.1f})"
