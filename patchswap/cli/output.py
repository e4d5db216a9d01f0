"""What a command prints: JSON and nothing else on stdout with --json, plain text otherwise."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchswap.errors import BadRequest, Invalid, PatchswapError

if TYPE_CHECKING:
    from patchswap.client import Client

_METRICS = {"top1_accuracy": "top-1", "mean_iou": "mIoU", "ap": "AP"}

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def connect() -> Client:
    """A client of the service that is configured."""
    from patchswap.client import Client  # noqa: PLC0415 - 0.5 s of imports that `--help` does not need

    return Client()


@contextmanager
def about(path: Path) -> Iterator[None]:
    """Names the file whose content the service refuses, one of several perhaps."""
    try:
        yield
    except (BadRequest, Invalid) as error:
        raise PatchswapError(f"{path}: {error}") from error


def emit(value: Any, *, as_json: bool, text: str) -> None:
    """`value` as one JSON document, or `text` for people."""
    print(json.dumps(plain(value), ensure_ascii=False) if as_json else text, flush=True)


def note(text: str) -> None:
    """A remark for people, out of the way of what is printed for programs."""
    print(text, file=sys.stderr, flush=True)


def plain(value: Any) -> Any:
    """Resources as JSON would hold them."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns aligned by spaces, numbers to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    numeric = [all(_is_number(row[i]) for row in cells) for i in range(len(headings))]
    lines = [list(headings), *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headings))]
    return "\n".join(
        "  ".join(c.rjust(w) if n else c.ljust(w) for c, w, n in zip(line, widths, numeric, strict=True)).rstrip()
        for line in lines
    )


def metric_name(metric: str) -> str:
    """A task's headline figure as people read it."""
    return _METRICS.get(metric, metric)


def accuracy_of(figures: Mapping[str, Any]) -> str | None:
    """The headline figure among them, with its name; None where there is none."""
    for metric, name in _METRICS.items():
        if (value := figures.get(metric)) is not None:
            return f"{name} {value:.2%}"
    return None


def size(number: float | None) -> str:
    """Bytes for people."""
    if number is None:
        return "-"
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def duration(seconds: float | None) -> str:
    """Seconds for people: 42 s, 3:07, 2:03:07."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"


def printable(text: str) -> str:
    """Without control codes: what somebody else wrote must not steer the terminal it is shown on."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    return printable(str(value))


def _is_number(cell: str) -> bool:
    return cell == "-" or re.fullmatch(r"[-+~]?[\d,]+(\.\d+)?%?", cell) is not None
