"""A validation report for people: the table of classes, then one line for each kind of finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from patchswap.cli import reading
from patchswap.cli.output import printable, table
from patchswap.errors import sentences

if TYPE_CHECKING:
    from patchswap.resources import ValidationReport
    from patchswap.resources.datasets import Finding

_CLASSES_SHOWN = 40
_SPLITS = ("train", "val", "test")
_UNITS = {"segmentation": "PIXELS", "detection": "BOXES"}
_CALLED = {"error": "error", "warning": "warning", "info": "note"}


def text(report: ValidationReport, *, task: str, name: str) -> str:
    """The whole report. `name`: what `patchswap datasets show` finds it by."""
    splits = ", ".join(f"{report.splits[split]:,} {split}" for split in _SPLITS if split in report.splits)
    parts = []
    if report.accepted:
        left_out = f"{_counted(report.skipped, 'image')} left out, {_counted(report.ignored, 'other file')} not used"
        content = f"{_counted(report.accepted, 'image')} of {_counted(report.classes, 'class', 'classes')}"
        parts.append(f"{content} ({splits}), {left_out}")
        parts.append(classes(report, task))
    if report.pairability and report.accepted:
        share = report.pairability["share"]
        parts.append(f"{share:.0%} of the training images can form pairs, which patch swap needs")
    return "\n\n".join(filter(None, [*parts, findings(report, name)]))


def classes(report: ValidationReport, task: str) -> str:
    """How many images each class has in each split; of boxes and pixels the sum besides. Empty where none is known."""
    images = report.images or report.amounts
    unit = _UNITS.get(task)
    known = sorted({each for split in _SPLITS for each in images.get(split, {})}, key=_as_people_sort)
    if not known:
        return ""
    rows = []
    for each in known[:_CLASSES_SHOWN]:
        counts = [f"{images.get(split, {}).get(each, 0):,}" for split in _SPLITS]
        total = sum(report.amounts.get(split, {}).get(each, 0) for split in _SPLITS)
        rows.append([each, *counts, *([f"{total:,}"] if unit else [])])
    shown = table(["CLASS", *(split.upper() for split in _SPLITS), *([unit] if unit else [])], rows)
    more = len(known) - len(rows)
    return f"{shown}\nand {more:,} classes more" if more > 0 else shown


def findings(report: ValidationReport, name: str) -> str:
    """One line for each kind of finding, with an example and how many there are."""
    lines = []
    for first in _first_of_kinds(report.findings):
        count = report.counts.get(first.code, 1)
        where = f"{first.path}: " if first.path else ""
        more = f" ({count:,} of this kind)" if count > 1 else ""
        lines.append(f"{_CALLED[first.severity]}: {where}{sentences(first.message, first.fix)}{more}")
    if any(count > 1 for count in report.counts.values()) and name:
        lines.append(f"`patchswap datasets show {name} --json` lists every one")
    return "\n".join(printable(reading.as_typed(line)) for line in lines)


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _as_people_sort(name: str) -> tuple[bool, int, str]:
    """Whole numbers by value, before names."""
    return (not name.isdecimal(), int(name) if name.isdecimal() else 0, name.casefold())


def _first_of_kinds(found: Iterable[Finding]) -> Iterator[Finding]:
    seen: set[str] = set()
    for finding in found:
        if finding.code not in seen:
            seen.add(finding.code)
            yield finding
