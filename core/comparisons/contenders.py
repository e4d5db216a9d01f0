"""The job spec of each method of a comparison: the same base, its own settings, its share of the budget."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from contract.specs import JobSpec, MethodSpec, SpecInvalid, Violation, parse
from contract.specs.methods import DkdSpec
from core.comparisons.spec import MAX_JOBS, Budget, ComparisonSpec

CONTROL = "cross_entropy"
# What a comparison decides itself, and what to do instead of putting it into the base spec.
ELSEWHERE = {
    "dataset": "Name the dataset beside spec.",
    "name": "Give the name beside spec.",
    "labels": "Give labels beside spec.",
    "method": "Name the methods beside spec, in `methods`.",
    "seed": "Give the seeds beside spec, in `seeds`.",
    "control": "Leave it out: the baseline is one of the methods.",
}


@dataclass(frozen=True)
class Contender:
    """One method of a comparison. Its jobs differ in nothing but the seed."""

    label: str  # the method's name, with its settings where the name alone would stand for several
    entry: dict[str, Any]  # as asked for
    place: str  # JSON pointer to it
    spec: JobSpec

    @property
    def is_control(self) -> bool:
        return self.spec.method.name == CONTROL


def read(asked: ComparisonSpec) -> tuple[list[Contender], list[Violation]]:
    """The control and the other methods in their order; and what is wrong, with pointers into the comparison's body."""
    entries = {f"/methods/{index}": entry for index, entry in enumerate(asked.methods)}
    if all(entry["name"] != CONTROL for entry in entries.values()):
        entries = {"/methods": {"name": CONTROL}} | entries
    found: list[Contender] = []
    faults = [*_misplaced(asked.spec), *_number_of_jobs(asked, len(entries))]
    for place, entry in entries.items():
        try:
            spec = _within(asked.budget, parse(_job_body(asked, entry)))
        except SpecInvalid as error:
            faults += placed(error.violations, place, entry)
        else:
            found.append(Contender(_label(entry, entries.values()), entry, place, spec))
    return found, [*faults, *_repeated(found), *_alone(entries)]


def placed(violations: Iterable[Violation], place: str, entry: Mapping[str, Any]) -> list[Violation]:
    """Faults of a job's spec, with pointers to where their sender wrote them: in the comparison's body."""
    return [
        violation.model_copy(update={"pointer": _moved(violation.pointer, place, entry)}) for violation in violations
    ]


def unique(violations: Iterable[Violation]) -> list[Violation]:
    """A fault of the base spec is found once for each method."""
    return list({(found.pointer, found.code, found.message): found for found in violations}.values())


def is_plain(method: MethodSpec) -> bool:
    """Whether a method, as the literature counts, sees each image once an epoch; all others see two views of it."""
    return method.arrangement == "passes"


def _job_body(asked: ComparisonSpec, entry: Mapping[str, Any]) -> dict[str, Any]:
    base = {key: value for key, value in asked.spec.items() if key not in ELSEWHERE}
    return {"exports": [], **base, "dataset": asked.dataset, "method": dict(entry), "labels": asked.labels}


def _within(budget: Budget, spec: JobSpec) -> JobSpec:
    """The spec with its share of the budget. Every method sees as many images an epoch here (decision 0001).

    So by the literature's epochs a plain method gets half of ours, with the schedule of its learning rate.
    """
    if budget == "images_seen" or not is_plain(spec.method):
        return spec
    milestones = () if spec.optimizer.milestones == "auto" else spec.optimizer.milestones
    counts = {"/training/epochs": spec.training.epochs}
    counts |= {f"/optimizer/milestones/{index}": epoch for index, epoch in enumerate(milestones)}
    message = "With the budget `epochs`, plain methods get half the epochs. Give an even number."
    faults = [Violation(pointer=place, code="odd_epochs", message=message) for place, n in counts.items() if n % 2]
    if faults:
        raise SpecInvalid(faults)
    return _halved(spec)


def _halved(spec: JobSpec) -> JobSpec:
    """Whatever is counted in epochs; what has no half is rounded up, but what `_within` refused."""
    training, optimizer, method = spec.training, spec.optimizer, spec.method
    milestones = optimizer.milestones
    halves: dict[str, Any] = {"epochs": training.epochs // 2}
    if training.early_stopping is not None:
        patience = {"patience_epochs": (training.early_stopping.patience_epochs + 1) // 2}
        halves["early_stopping"] = training.early_stopping.model_copy(update=patience)
    schedule: dict[str, Any] = {
        "milestones": milestones if milestones == "auto" else tuple(epoch // 2 for epoch in milestones),
    }
    if "warmup_epochs" in optimizer.model_fields_set:  # else the task's
        schedule["warmup_epochs"] = (optimizer.warmup_epochs + 1) // 2
    if isinstance(method, DkdSpec):
        method = method.model_copy(update={"warmup_epochs": (method.warmup_epochs + 1) // 2})
    return spec.model_copy(
        update={
            "training": training.model_copy(update=halves),
            "optimizer": optimizer.model_copy(update=schedule),
            "method": method,
        }
    )


def _misplaced(base: Mapping[str, Any]) -> list[Violation]:
    return [
        Violation(pointer=f"/spec/{key}", code="said_elsewhere", message=remedy)
        for key, remedy in ELSEWHERE.items()
        if key in base
    ]


def _number_of_jobs(asked: ComparisonSpec, methods: int) -> list[Violation]:
    jobs = methods * len(asked.seeds)
    if jobs <= MAX_JOBS:
        return []
    message = (
        f"{methods} methods with {len(asked.seeds)} seeds are {jobs} jobs; a comparison may have {MAX_JOBS}. "
        "Name fewer methods or seeds."
    )
    return [Violation(pointer="/seeds", code="too_many_jobs", message=message)]


def _repeated(found: list[Contender]) -> list[Violation]:
    """Methods that are the same once their defaults are filled in."""
    faults = []
    for index, one in enumerate(found):
        twin = next((other for other in found[:index] if other.spec.method == one.spec.method), None)
        if twin is not None:
            message = f"This is the same as {twin.place}. Remove one of them."
            faults.append(Violation(pointer=one.place, code="method_repeated", message=message))
    return faults


def _alone(entries: Mapping[str, Any]) -> list[Violation]:
    if len(entries) > 1:
        return []
    message = "Name at least one method beside the baseline."
    return [Violation(pointer="/methods", code="nothing_to_compare", message=message)]


def _label(entry: Mapping[str, Any], entries: Iterable[Mapping[str, Any]]) -> str:
    name: str = entry["name"]
    settings = [f"{key}={orjson.dumps(value).decode()}" for key, value in entry.items() if key != "name"]
    is_only = sum(other["name"] == name for other in entries) == 1
    return name if is_only or not settings else f"{name} {' '.join(settings)}"


def _moved(pointer: str, place: str, entry: Mapping[str, Any]) -> str:
    part, _, rest = pointer.removeprefix("/").partition("/")
    if part == "method":
        return f"{place}/{rest}" if rest.partition("/")[0] in entry and len(entry) > 1 else place
    if part in ("dataset", "labels"):
        return pointer
    return f"/spec{pointer}"
