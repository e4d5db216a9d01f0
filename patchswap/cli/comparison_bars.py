"""A comparison's progress on stderr: a line a job on a terminal, elsewhere a note when a job's status changes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from patchswap.cli import bars
from patchswap.cli.output import note

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from patchswap.calls.comparisons import ComparedJob, Comparison

_OTHER_LINES = 3  # of the screen: the sum, and room for the cursor


class Trials:
    """The jobs of one comparison, shown as they go on. A context manager."""

    def __init__(self) -> None:
        self._bar: RichProgress | None = None
        self._rows: dict[str, Any] = {}
        self._all: Any = None
        self._told: dict[str, str] = {}

    def __enter__(self) -> Self:
        if bars.is_terminal():
            from rich import console, progress  # noqa: PLC0415 - only where a person looks

            columns = (
                progress.TextColumn("{task.description}", markup=False),
                progress.BarColumn(bar_width=24),
                progress.TaskProgressColumn(),
                progress.TextColumn("{task.fields[state]}", markup=False),
            )
            self._bar = progress.Progress(*columns, console=console.Console(stderr=True))
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, comparison: Comparison) -> None:
        if self._bar:
            self._draw(self._bar, comparison)
        else:
            self._tell(comparison)

    def _draw(self, bar: RichProgress, comparison: Comparison) -> None:
        fits = len(comparison.jobs) + _OTHER_LINES <= bar.console.height
        for job in comparison.jobs:
            if job.id not in self._rows:
                self._rows[job.id] = bar.add_task(_name(job), total=1.0, state="")
            done = 1.0 if job.status == "succeeded" else job.fraction
            # Where the screen is too small for all, those that move are shown.
            bar.update(self._rows[job.id], completed=done, state=_state(job), visible=fits or job.status == "running")
        if self._all is None:
            self._all = bar.add_task("all", total=len(comparison.jobs), state="")
        done = sum(1.0 if _is_over(job) else job.fraction for job in comparison.jobs)
        bar.update(self._all, completed=done, state=_sum(comparison))

    def _tell(self, comparison: Comparison) -> None:
        for job in comparison.jobs:
            if self._told.get(job.id, "queued") != job.status:
                note(f"{datetime.now().astimezone():%H:%M:%S}  {_name(job)}: {_state(job)}  ({_sum(comparison)})")
            self._told[job.id] = job.status


def _name(job: ComparedJob) -> str:
    return f"{job.method} seed {job.seed}"


def _state(job: ComparedJob) -> str:
    if job.status == "running":
        return job.phase or "running"
    return f"{job.status}: {job.error_code}" if job.error_code else job.status


def _sum(comparison: Comparison) -> str:
    over = sum(_is_over(job) for job in comparison.jobs)
    return f"{over} of {len(comparison.jobs)} jobs over"


def _is_over(job: ComparedJob) -> bool:
    return job.status in ("succeeded", "failed", "cancelled")
