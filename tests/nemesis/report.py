"""The headline table of the nemesis: of what was run, never of what was hoped."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.pages import write_between
from tests.nemesis.faults import FAULTS

Result = dict[str, Any]
DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- nemesis: begin -->", "<!-- nemesis: end -->"


def line(result: Result) -> str:
    """One run, as it ends."""
    name = "the store" if result.get("store") else f"seed {result['seed']}{_mark(result)}"
    figures = "  ".join(f"{key} {max(values):g}" for key, values in result.get("figures", {}).items())
    told = [*result["violations"], result["error"], result.get("missed")]
    more = "".join(f"\n       {one}" for one in told if one)
    return f"{result['fault']:4} {name:20} {_state(result):8} {result.get('seconds', 0):6.1f} s  {figures}{more}"


def document(results: Sequence[Result]) -> str:
    """Headline, table of faults, further figures, what to replay: Markdown."""
    runs = [result for result in results if not result.get("store")]
    parts = [_headline(runs, results), _faults(runs), _figures(runs), _seeds(runs, results)]
    return "\n\n".join(part for part in parts if part)


def read(file: Path) -> list[Result]:
    return [json.loads(each) for each in file.read_text().splitlines()]


def publish(results: Sequence[Result]) -> None:
    """Puts the document of these results between the markers of docs/reliability.md."""
    write_between(DOCUMENT, BEGIN, END, document(results))


def _headline(runs: Sequence[Result], results: Sequence[Result]) -> str:
    fired = [run for run in runs if run["fired"]]
    broken = [run for run in runs if run["error"]]
    violations = sum(len(result["violations"]) for result in results)
    stale = sum(told.startswith("I4") for result in results for told in result["violations"])
    bound = f"{_bound(len(fired))} of a run" if fired and not violations else "none"
    rows = [
        ("faults / runs in which the fault fired", f"{len({run['fault'] for run in fired})} / {len(fired)}"),
        ("runs not counted: the moment was missed", str(sum("missed" in run for run in runs))),
        ("runs in which the harness itself broke", str(len(broken))),
        ("jobs in these runs / published", f"{_sum(fired, 'jobs')} / {_sum(fired, 'published')}"),
        ("violations of I1-I12, or of what a fault asks", f"**{violations}**"),
        ("95 % upper bound on the rate of violations (3/n)", bound),
        ("stale writes refused / accepted", f"{_sum(fired, 'refused')} / {stale}"),
        ("published weights equal to an uninterrupted run's", f"{_sum(fired, 'bitwise')}/{_sum(fired, 'published')}"),
        ("of them of jobs that were resumed at least once", str(_sum(fired, "resumed"))),
        ("unfinished multipart uploads: left by killed processes / when their time was over", _uploads(results)),
        ("most steps lost by one failure, of an interval of 20", str(max(_flat(fired, "lost"), default=0))),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _faults(runs: Sequence[Result]) -> str:
    names = "fault|what|settings|runs|violations|upper bound|recovery p50 / p99 s|asked|lost steps, most|refused"
    head = [f"| {names.replace('|', ' | ')} |", "|---" * 10 + "|"]
    lines = []
    for fault, production, group in _groups(runs):
        fired = [run for run in group if run["fired"]]
        violations = sum(len(run["violations"]) for run in group)
        recovery = _flat_figures(fired, "recovery_seconds")
        cells = [
            fault,
            FAULTS[fault].title if fault in FAULTS else "",
            "production" if production else "short",
            str(len(fired)),
            str(violations),
            _bound(len(fired)) if fired and not violations else "-",
            f"{_quantile(recovery, 0.5):.1f} / {_quantile(recovery, 0.99):.1f}" if recovery else "-",
            FAULTS[fault].target or "-",
            str(max(_flat(fired, "lost"), default="-")),  # type: ignore[call-overload]
            str(_sum(fired, "refused")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(head + lines)


def _figures(runs: Sequence[Result]) -> str:
    lines = []
    for fault, production, group in _groups(runs):
        names = sorted({name for run in group for name in run.get("figures", {})} - {"recovery_seconds"})
        for name in names:
            values = _flat_figures(group, name)
            told = f"{_quantile(values, 0.5):.2f} / {_quantile(values, 0.99):.2f}"
            words = name.replace("_", " ") + (", production" if production else "")
            lines.append(f"| {fault} | {words} | {len(values)} | {told} |")
    return "\n".join(["| fault | figure | n | p50 / p99 |", "|---|---|---|---|", *lines]) if lines else ""


def _seeds(runs: Sequence[Result], results: Sequence[Result]) -> str:
    used = [
        f"{fault}{' (production)' if production else ''} {_spans([run['seed'] for run in group if run['fired']])}"
        for fault, production, group in _groups(runs)
    ]
    told = [
        "Seeds: " + "; ".join(used) + ".",
        f"Commits: {', '.join(sorted({r.get('commit', '?') for r in results}))}.",
    ]
    for result in results:
        told += [f"- {result['fault']} seed {result['seed']}{_mark(result)}: {one}" for one in result["violations"]]
        if result["error"]:
            told.append(f"- {result['fault']} seed {result['seed']}{_mark(result)} broke: {result['error']}")
    return "\n".join(told)


def _groups(runs: Iterable[Result]) -> list[tuple[str, bool, list[Result]]]:
    names = {(run["fault"], run["production"]) for run in runs}
    ordered = sorted(names, key=lambda name: (int(name[0][1:]), name[1]))
    return [(f, p, [run for run in runs if (run["fault"], run["production"]) == (f, p)]) for f, p in ordered]


def _spans(numbers: Iterable[int]) -> str:
    """1-4, 7"""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{first}-{last}" if first != last else str(first) for first, last in spans) or "none"


def _bound(count: int) -> str:
    """The rule of three; from so few runs that it says nothing, 100 %."""
    return f"{min(100.0, 300 / count):.3g} %"


def _quantile(values: Sequence[float], share: float) -> float:
    """By nearest rank: with fewer than a hundred values the 99th percentile is the largest."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _uploads(results: Iterable[Result]) -> str:
    stores = [result["store"] for result in results if result.get("store")]
    return " / ".join(str(sum(store.get(name, 0) for store in stores)) for name in ("uploads_begun", "open_uploads"))


def _sum(runs: Iterable[Result], name: str) -> int:
    return sum(run.get(name, 0) for run in runs)


def _flat(runs: Iterable[Result], name: str) -> list[int]:
    return [value for run in runs for value in run.get(name, [])]


def _flat_figures(runs: Iterable[Result], name: str) -> list[float]:
    return [value for run in runs for value in run.get("figures", {}).get(name, [])]


def _state(result: Result) -> str:
    if result["violations"]:
        return "VIOLATED"
    if result["error"]:
        return "BROKE"
    return "held" if result["fired"] else "missed"


def _mark(result: Result) -> str:
    return " production" if result.get("production") else ""
