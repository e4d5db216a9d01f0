"""Whether all that a sweep may try can run on a dataset: errors with JSON pointers into the sweep's body."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from contract.pack.manifest import PackManifest
from contract.specs.job import JobSpec
from contract.specs.resolution import ResolvedSpec, parse, resolve
from contract.specs.violations import SpecInvalid, SpecWarning, Violation
from contract.tasks import TERMS
from core.sweeps.spec import AshaSpec, Choice, FloatRange, IntRange, Params, Range, SweepSpec, final_body

# What a search may turn. The rest either is the same for every trial or reads more than validation.
SEARCHED = ("model", "method", "optimizer", "training")
GIVEN_BESIDE = ("dataset", "name", "labels")  # of the sweep, so not in its `spec`
CHECKED_INTEGERS = 64  # of an integer range: up to so many values are all tried
GOLDEN = 0.381966  # a place inside a range that is no round number: it shows that a field takes no fractions

Resolve = Callable[[JobSpec, PackManifest], tuple[ResolvedSpec, list[SpecWarning]]]
Run = Callable[[Params], ResolvedSpec | list[Violation]]


def sweep_violations(sweep: SweepSpec, manifest: PackManifest, *, resolve: Resolve = resolve) -> list[Violation]:
    """All that would keep the trials from running on this dataset, with pointers into the sweep's body.

    `resolve` also looks at what only a database knows: teachers and weights.
    """

    def run(params: Params) -> ResolvedSpec | list[Violation]:
        return _run(final_body(sweep, params), manifest, resolve)

    found = [*_splits(manifest), *_unmeasured(sweep, manifest), *_misplaced(sweep)]
    for path, values in sweep.space.items():
        found += _misnamed(path, sweep.space) + _malformed(path, values)
    if found:
        return found
    base = run({})
    if isinstance(base, list):
        return [v.model_copy(update={"pointer": _in_spec(v.pointer)}) for v in base]
    if sweep.algorithm == "asha" and "training.epochs" not in sweep.space:
        found += _rungless(sweep.rungs, base.training.epochs)
    for path, values in sweep.space.items():
        found += _impossible(path, values, run)
    return found


def _splits(manifest: PackManifest) -> list[Violation]:
    missing = [name for name in ("val", "test") if not manifest.split_size(name)]
    if not missing:
        return []
    message = (
        "A search needs a val split to choose by and a test split for the final job. This dataset has no "
        f'{" and no ".join(missing)} split. Push it again with "splits": {{"val": 0.1, "test": 0.2}}.'
    )
    return [Violation(pointer="/dataset", code="needs_splits", message=message)]


def _unmeasured(sweep: SweepSpec, manifest: PackManifest) -> list[Violation]:
    known = ("auto", *TERMS[manifest.task].validated)
    if sweep.metric in known:
        return []
    message = f"This metric is not measured for {manifest.task}. Take one of {', '.join(known[1:])}."
    return [Violation(pointer="/metric", code="not_of_task", message=message)]


def _misplaced(sweep: SweepSpec) -> list[Violation]:
    found = [
        Violation(
            pointer=f"/spec/{_escaped(name)}", code="given_beside", message=f"Give {name} beside spec, not in it."
        )
        for name in GIVEN_BESIDE
        if name in sweep.spec
    ]
    if sweep.asha is not None and sweep.algorithm != "asha":
        found.append(
            Violation(pointer="/asha", code="unused", message='Only "algorithm": "asha" uses this. Leave it out.')
        )
    return found


def _misnamed(path: str, space: Mapping[str, Range]) -> list[Violation]:
    parts = path.split(".")
    if parts[0] not in SEARCHED or len(parts) < 2 or not all(parts):
        message = f"Write a path below {', '.join(SEARCHED)}, such as optimizer.learning_rate."
        return [Violation(pointer=f"/space/{_escaped(path)}", code="not_searched", message=message)]
    above = [other for other in space if path.startswith(f"{other}.")]
    return [
        Violation(
            pointer=f"/space/{_escaped(path)}",
            code="path_twice",
            message=f"This is part of {other}, which is searched, too. Leave one out.",
        )
        for other in above
    ]


def _malformed(path: str, values: Range) -> list[Violation]:
    pointer = f"/space/{_escaped(path)}"
    if isinstance(values, Choice):
        twice = [i for i, value in enumerate(values.values) if value in values.values[:i]]
        return [
            Violation(
                pointer=f"{pointer}/values/{i}", code="twice", message="This value is listed twice. List it once."
            )
            for i in twice
        ]
    if values.low >= values.high:
        return [Violation(pointer=f"{pointer}/high", code="empty_range", message=f"Must be above `low`: {values.low}.")]
    if values.log and values.low <= 0:
        return [Violation(pointer=f"{pointer}/low", code="log_of_zero", message="Must be above 0 if `log` is true.")]
    return [] if isinstance(values, FloatRange) else _off_step(pointer, values)


def _off_step(pointer: str, values: IntRange) -> list[Violation]:
    if values.log and values.step != 1:
        return [Violation(pointer=f"{pointer}/step", code="log_step", message="Must be 1 if `log` is true.")]
    beyond = (values.high - values.low) % values.step
    if beyond:
        message = f"Must be `low` plus a multiple of `step`, such as {values.high - beyond}."
        return [Violation(pointer=f"{pointer}/high", code="not_on_step", message=message)]
    return []


def _rungless(rungs: AshaSpec, epochs: int) -> list[Violation]:
    if rungs.min_epochs < epochs:
        return []
    message = f"Must be below the {epochs} epochs of a trial. Otherwise no trial can be stopped early."
    return [Violation(pointer="/asha/min_epochs", code="no_rung", message=message)]


def _impossible(path: str, values: Range, run: Run) -> list[Violation]:
    """Ends and values with which a spec cannot run; a path that names no field is told once."""
    found: list[Violation] = []
    pointer = f"/space/{_escaped(path)}"
    for place, value in _probes(values):
        ran = run({path: value})
        if isinstance(ran, ResolvedSpec):
            continue
        if any(v.code == "extra_forbidden" for v in ran):
            message = f"There is no field {path} in this spec. GET /v1/recipes/NAME/schema has all fields."
            return [Violation(pointer=pointer, code="unknown_field", message=message)]
        if not place and found:
            break  # one value between the ends tells as much as all of them
        message = "; ".join(f"{v.pointer}: {v.message}" for v in ran)
        found.append(Violation(pointer=pointer + place, code=ran[0].code, message=f"{json.dumps(value)}: {message}"))
    return found


def _probes(values: Range) -> Iterator[tuple[str, Any]]:
    """Values to try, each with its place in the range; an empty place lies between the ends."""
    if isinstance(values, Choice):
        yield from ((f"/values/{index}", value) for index, value in enumerate(values.values))
        return
    yield "/low", values.low
    yield "/high", values.high
    if isinstance(values, FloatRange):
        yield "", values.low + GOLDEN * (values.high - values.low)
    elif (values.high - values.low) // values.step < CHECKED_INTEGERS:
        yield from (("", value) for value in range(values.low + values.step, values.high, values.step))


def _run(body: Mapping[str, Any], manifest: PackManifest, resolve: Resolve) -> ResolvedSpec | list[Violation]:
    try:
        resolved, _ = resolve(parse(body), manifest)
    except SpecInvalid as invalid:
        return invalid.violations
    return resolved


def _in_spec(pointer: str) -> str:
    beside = pointer.split("/")[1:2]
    return pointer if beside and beside[0] in GIVEN_BESIDE else f"/spec{pointer}"


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
