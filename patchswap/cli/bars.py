"""Progress on stderr: moving bars on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from patchswap.cli.output import accuracy_of, duration, note, printable, size

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from patchswap.client import Client
    from patchswap.resources import Event, Point

_PLAIN_LINE_SECONDS = 10.0
_CURVES_SECONDS = 2.0


def is_terminal() -> bool:
    return sys.stderr.isatty()


@contextmanager
def transfer(what: str) -> Iterator[Callable[[int, int], None]]:
    """Takes (bytes done, bytes in all) while a file moves."""
    if not is_terminal():
        yield _plain_transfer(what)
        return
    from rich import console, progress  # noqa: PLC0415 - only where a person looks

    columns = ("{task.description}", progress.BarColumn(), progress.DownloadColumn(), "{task.fields[speed]}")
    with progress.Progress(*columns, console=console.Console(stderr=True)) as bar:
        row = bar.add_task(what, total=None, speed="")

        def show(done: int, total: int) -> None:
            bar.update(row, completed=done, total=total)
            if speed := bar.tasks[row].speed:  # known from the second piece on
                bar.update(row, speed=f"{size(speed)}/s")

        yield show


def _plain_transfer(what: str) -> Callable[[int, int], None]:
    started_at = time.monotonic()
    told_at = [started_at]

    def tell(done: int, total: int) -> None:
        now = time.monotonic()
        if now - told_at[0] > _PLAIN_LINE_SECONDS:
            told_at[0] = now
            note(f"{what}: {size(done)} of {size(total)}")

    return tell


class Training:
    """How a job goes, shown while its events come in. A context manager."""

    def __init__(self, client: Client, job_id: str) -> None:
        self._client = client
        self._job_id = job_id
        self._bar: RichProgress | None = None
        self._row: Any = None
        self._curves: dict[str, tuple[Point, ...]] = {}
        self._curves_at = self._told_at = 0.0

    def __enter__(self) -> Self:
        if is_terminal():
            from rich import console, progress  # noqa: PLC0415 - only where a person looks

            bar = (progress.BarColumn(bar_width=24), progress.TaskProgressColumn())
            columns = ("{task.description}", *bar, "{task.fields[figures]}")
            self._bar = progress.Progress(*columns, console=console.Console(stderr=True))
            self._bar.start()
            self._row = self._bar.add_task("queued", total=1.0, figures="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, event: Event) -> None:
        if event.type != "progress":
            self._line(describe(event))
            if event.type == "status":
                self._move(event.data["status"])
            return
        is_training = event.data["status"] == "running" and event.data["phase"] == "train"
        if self._bar:
            stage = event.data["phase"] if event.data["status"] == "running" else event.data["status"]
            figures = self._figures_text(event) if is_training else ""
            self._move(stage or "running", fraction=event.data["fraction"] or 0, figures=figures)
        elif is_training and event.data["step"] and time.monotonic() - self._told_at > _PLAIN_LINE_SECONDS:
            self._told_at = time.monotonic()
            self._line(f"{event.data['fraction'] or 0:4.0%}  {self._figures_text(event)}")

    def _move(self, stage: str, *, fraction: float | None = None, figures: str = "") -> None:
        if not self._bar:
            return
        # Of the phases but training nobody knows the length: the bar swings there.
        total = None if stage in ("download", "evaluate", "export", "publish") else 1.0
        completed = 1.0 if stage == "succeeded" else fraction
        self._bar.update(self._row, description=f"{stage:<9}", total=total, completed=completed, figures=figures)

    def _line(self, text: str) -> None:
        if not text:
            return
        if self._bar:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            note(text)

    def _figures_text(self, event: Event) -> str:
        """Epoch, loss, accuracy, images a second, time left: what is known of it."""
        self._refresh_curves()
        arm, figures = newest_figures(self._curves)
        progress = event.data
        shown = [f"{arm}epoch {progress['epoch']}/{progress['epochs']}"]
        if (loss := figures.get("train.loss")) is not None:
            shown.append(f"loss {loss:.3f}")
        if accuracy := accuracy_of({key.removeprefix("val."): value for key, value in figures.items()}):
            shown.append(accuracy)
        if progress.get("images_per_second"):
            shown.append(f"{progress['images_per_second']:.0f} images/s")
        if progress.get("eta_seconds") is not None:
            shown.append(f"{duration(progress['eta_seconds'])} left")
        return "  ".join(shown)

    def _refresh_curves(self) -> None:
        if time.monotonic() - self._curves_at < _CURVES_SECONDS:
            return
        self._curves_at = time.monotonic()
        self._curves = self._client.jobs.metrics(self._job_id, max_points=1)


def newest_figures(curves: dict[str, tuple[Point, ...]]) -> tuple[str, dict[str, float]]:
    """The last value of each curve, and what to call the net: the control trains last, and then only it is shown."""
    arm = "control " if any(key.startswith("control.") for key in curves) else ""
    return arm, {
        key.removeprefix("control."): points[-1].value
        for key, points in curves.items()
        if points and points[-1].value is not None and key.startswith("control.") == bool(arm)
    }


def describe(event: Event) -> str:
    """One line for people; empty for what only programs want to know."""
    data = event.data
    if event.type in ("status", "phase"):
        words = [data.get("phase") if event.type == "phase" else data.get("status")]
        words += [f"({data['reason']})"] if data.get("reason") else []
    elif event.type == "notice":
        words = [f"{data.get('severity', 'info')}:", data.get("message")]
    elif event.type == "export":
        words = ["export", data.get("format"), data.get("precision"), data.get("status")]
    elif event.type == "request":
        words = [data.get("verb"), "requested"]
    else:
        return ""
    return f"{event.at.astimezone():%H:%M:%S}  " + printable(" ".join(str(word) for word in words if word))
