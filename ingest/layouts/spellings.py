"""One class that two splits spell differently: `Cat` and `cat`, `black_cat` and `black cat`, `001.cat` and `cat`."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection

from contract.pack.manifest import Split
from ingest.findings import Findings
from ingest.layouts.folders import Labelled

_PREFIX = re.compile(r"(\d+)[\s_.-]+(?=.*[^\W\d_])")


def as_one(labelled: dict[int, Labelled], left_alone: Collection[str], findings: Findings) -> dict[int, Labelled]:
    """The images with one name for each class. `left_alone`: names that a person maps to others.

    Names are one class if they differ in case, blanks, hyphens or a number before them alone, and no split has both.
    """
    images = Counter(entry.label for entry in labelled.values())
    splits: dict[str, set[Split | None]] = defaultdict(set)
    for entry in labelled.values():
        splits[entry.label].add(entry.split)
    alike: dict[str, list[str]] = defaultdict(list)
    for name in sorted(images, key=lambda name: (Split.TRAIN not in splits[name], -images[name], name)):
        if name not in left_alone:
            alike[_plain(name)].append(name)
    renamed: dict[str, str] = {}
    for kept, *others in alike.values():
        if others and _are_one([kept, *others], splits):
            renamed.update(dict.fromkeys(others, kept))
    if not renamed:
        return labelled
    _tell(renamed, splits, findings)
    return {at: entry._replace(label=renamed.get(entry.label, entry.label)) for at, entry in labelled.items()}


def _are_one(spellings: list[str], splits: dict[str, set[Split | None]]) -> bool:
    every = [split for name in spellings for split in splits[name]]
    numbers = {int(found[1]) for name in spellings if (found := _PREFIX.match(name.strip()))}
    return len(every) == len(set(every)) and len(numbers) < 2


def _plain(name: str) -> str:
    """What is left without case, blanks, hyphens and a number before the name; a number by its value."""
    bare = name.strip().casefold()
    if bare.isdecimal():
        return str(int(bare))
    return re.sub(r"[\s_-]+", " ", _PREFIX.sub("", bare, count=1))


def _tell(renamed: dict[str, str], splits: dict[str, set[Split | None]], findings: Findings) -> None:
    other, kept = next(iter(renamed.items()))
    where = ", ".join(sorted(split.name.lower() for split in splits[other] if split is not None))
    message = (
        f"{other!r} of {where or 'no split'} was read as {kept!r}: the names differ in case, blanks, hyphens or a "
    )
    message += "number before them alone, and no split has both."
    if len(renamed) > 1:
        message += f" So it is with {len(renamed) - 1} more names."
    fix = f"If they are different classes, give one another name: `--map '{other}=OTHER NAME'`."
    findings.add("warning", "spellings_joined", message, fix=fix)
