"""Which picture each page means. A closer likeness wins; equal ones decide nothing and are said."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest import names
from ingest.archives.members import Member
from ingest.findings import Findings
from ingest.layouts.annotated.joining import complete_each_other, join
from ingest.layouts.annotated.pages import Page
from ingest.layouts.finder import Finder, How, Match

_CLOSENESS: dict[How, int] = {"path": 0, "name": 1, "other_case": 2, "other_suffix": 3, "other_folder": 4}
_TOLD: dict[How, str] = {
    "other_case": "by their name in another case",
    "other_suffix": "by their name with another suffix",
    "other_folder": "by their base name alone, for the folder that the annotation states is not in the archive",
}


@dataclass
class Placed:
    pages: dict[int, Page] = field(default_factory=dict)  # by the picture's position
    members: dict[int, Member] = field(default_factory=dict)
    contested: dict[int, str] = field(default_factory=dict)  # pictures that cannot be used, and why
    how: dict[int, How] = field(default_factory=dict)


@dataclass
class _Told:
    """What is said once for all pages."""

    how: dict[How, tuple[int, str]] = field(default_factory=dict)
    missing: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, str, tuple[str, ...]]] = field(default_factory=dict)


def place(pages: Iterable[Page], finder: Finder, findings: Findings) -> Placed:
    """Each page with its picture. Says which pages have none, and which were matched by less than their path."""
    placed, told = Placed(), _Told()
    for page in pages:
        match = Match(page.member) if page.member is not None else _found(page, finder)
        if match.member is None:
            kind = "image_ambiguous" if len(match.rivals) > 1 else "image_missing"
            told.missing[kind] += 1
            told.examples.setdefault(kind, (page.path, page.image, match.rivals))
        else:
            _take(page, match, placed, told, findings)
    for at, how in placed.how.items():
        count, first = told.how.get(how, (0, ""))
        told.how[how] = (count + 1, first or f"{_shown(placed.pages[at].image)} is {placed.members[at].path!r}")
    _tell(told, findings)
    return placed


def _found(page: Page, finder: Finder) -> Match:
    """By what the page calls the picture; what else it calls it helps where that leads to none or to several."""
    split = page.split if page.split is not None else names.split_in(page.path)
    first = finder.look(page.image, page.folder, split)
    if first.member is not None:
        return first
    for name in page.also:
        match = finder.look(name, page.folder, split)
        if match.member is not None:
            return match
        first = first if first.rivals else match
    return first


def _take(page: Page, match: Match, placed: Placed, told: _Told, findings: Findings) -> None:
    member, how = match.member, match.how
    if member is None:
        return
    at = member.position
    before = placed.pages.get(at)
    if before is None or _CLOSENESS[how] < _CLOSENESS[placed.how[at]]:
        placed.pages[at], placed.members[at] = page, member
        placed.how[at] = how
        placed.contested.pop(at, None)
        loser = before
    else:
        loser = page
    if before is None or loser is None:
        return
    if _last_parts(before.image) == _last_parts(page.image) or before.member is not None:
        _tell_twice(placed.pages[at], loser, member, findings)
    elif _CLOSENESS[how] == _CLOSENESS[placed.how[at]] and before is placed.pages[at]:
        message = f"{_shown(before.image)} and {_shown(page.image)} of {page.path} both lead to this one picture."
        placed.contested[at] = message
    else:
        told.missing["image_missing"] += 1
        told.examples.setdefault("image_missing", (loser.path, loser.image, (member.path,)))


def _tell_twice(kept: Page, other: Page, member: Member, findings: Findings) -> None:
    if other.split is not None and (kept.split is None or other.split > kept.split):
        kept.split = other.split  # the strictest, so that no held-out picture is trained on
    if (kept.labels, kept.boxes) == (other.labels, other.boxes) and not kept.regions:
        findings.add("info", "annotated_twice_alike", "Two entries say the same about the image.", path=member.path)
        return
    if complete_each_other(kept, other):
        join(kept, other)
        message = f"Two files are about the image, {kept.path} and {other.path}. They name different classes and "
        message += "different places, so the boxes of both were used."
        fix = "If only one of them counts, leave the other out with `--ignore`."
        findings.add("warning", "annotations_joined", message, path=member.path, fix=fix)
        return
    message = f"Two entries are about the image, in {kept.path} and {other.path}; the first was used."
    fix = "Keep one entry, or merge their objects."
    findings.add("warning", "annotated_twice", message, path=member.path, fix=fix)


def _tell(told: _Told, findings: Findings) -> None:
    for how, text in _TOLD.items():
        count, example = told.how.get(how, (0, ""))
        if count:
            message = f"{count} annotations were given to pictures {text}: {example}."
            severity = "info" if how == "other_case" else "warning"
            fix = None if how == "other_case" else "Check that they belong together, or give the whole path."
            findings.add(severity, f"matched_{how}", message, fix=fix)  # type: ignore[arg-type]
    for kind, count in told.missing.items():
        path, image, rivals = told.examples[kind]
        findings.counts[kind] += count - 1
        findings.add("warning", kind, _missing(kind, count, image, rivals), path=path, fix=_FIXES[kind])


_FIXES = {
    "image_missing": "Add the images, or correct the path in the annotation.",
    "image_ambiguous": "Give the images' whole paths in the annotation, or rename one of them.",
}


def _missing(kind: str, count: int, image: str, rivals: tuple[str, ...]) -> str:
    first = f"the archive has no picture {_shown(image)}"
    if kind == "image_ambiguous":
        listed = " and ".join(repr(path) for path in rivals[:2])
        first = f"{_shown(image)} may be {listed}; none was taken"
    elif rivals:
        first += f"; {rivals[0]!r} lies elsewhere or has another annotation, and was not taken for it"
    return first if count == 1 else f"{count} annotations have no picture of their own: {first}"


def _shown(name: str) -> str:
    return repr(names.printable(name)[:200])


def _last_parts(name: str) -> str:
    return names.tidy(name.replace("\\", "/")).casefold()
