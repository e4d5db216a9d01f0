"""The classes of a set as a person wants them: renamed, merged or dropped, and numbered."""

from collections.abc import Iterable

from contract.pack.manifest import BACKGROUND, IGNORE
from contract.specs.reading import ReadingSpec
from contract.tasks import TaskName
from ingest import names
from ingest.findings import Findings, Refused

_BACKGROUNDS = {"background", "_background_", "__background__", "bg"}
DROPPED = -1


class Numbers:
    """The number of each label, as the pack counts; DROPPED for those to leave out."""

    def __init__(self, classes: list[str], by_label: dict[str, int]) -> None:
        self.classes = classes
        self._by_label = by_label

    def __getitem__(self, label: str) -> int:
        return self._by_label[label]


def numbered(
    labels: Iterable[str],
    stated: list[str] | None,
    asked: ReadingSpec,
    *,
    task: TaskName,
    keeps_unused: bool,
    findings: Findings,
) -> Numbers:
    """Classes in the order of `stated`, or sorted. Raises Refused where an option names a class that is not there."""
    used = set(labels)
    order = list(dict.fromkeys(stated or []))
    order += names.class_order([label for label in used if label not in set(order)])
    known = [label for label in order if keeps_unused or label in used]
    check_options(known, asked)
    wanted = {label: asked.map.get(label, label) for label in order}
    kept = [name for name in dict.fromkeys(wanted[label] for label in known) if name not in asked.drop]
    if task == "segmentation":
        kept = [BACKGROUND, *(name for name in kept if name.casefold() not in _BACKGROUNDS)]
        if len(kept) > IGNORE:
            raise Refused("too_many_classes", f"A mask holds at most {IGNORE} classes.", "Merge some categories.")
    places = {name: at for at, name in enumerate(kept)}
    if task == "segmentation":
        places |= {name: 0 for name in wanted.values() if name.casefold() in _BACKGROUNDS}
    tell_options(asked, findings)
    return Numbers(kept, {label: places.get(name, DROPPED) for label, name in wanted.items()})


def check_options(known: list[str], asked: ReadingSpec) -> None:
    """Raises Refused where `map` or `drop` names what the dataset does not have."""
    shown = ", ".join(repr(name) for name in known[:12])
    for name in asked.map:
        if name not in known:
            raise Refused("option_without_effect", f"`map` names {name!r}; the dataset has {shown}.", "Correct `map`.")
    after = {asked.map.get(name, name) for name in known}
    for name in asked.drop:
        if name not in after:
            raise Refused(
                "option_without_effect", f"`drop` names {name!r}; the dataset has {shown}.", "Correct `drop`."
            )


def tell_options(asked: ReadingSpec, findings: Findings) -> None:
    if asked.map:
        pairs = ", ".join(f"{old!r} as {new!r}" for old, new in list(asked.map.items())[:12])
        findings.add("info", "classes_mapped", f"Read {pairs}, as asked.")
    if asked.drop:
        findings.add("info", "classes_dropped", f"Left out {', '.join(map(repr, asked.drop[:12]))}, as asked.")
