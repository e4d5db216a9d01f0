"""Lists of a split's images, held against the images: what several lists name, what folders say otherwise."""

import re

from contract.pack.manifest import Split
from ingest import names
from ingest.findings import Findings
from ingest.layouts.folders import Labelled
from ingest.layouts.lists import SplitList

_ENOUGH = 0.5  # of the images, that the lists name


def apply_lists(lists: list[SplitList], labelled: dict[int, Labelled], findings: Findings) -> dict[int, Labelled]:
    """The images with the splits that the lists say. Images on no list are left out, if lists name most of them."""
    if not lists or not labelled:
        return labelled
    lists = _first_fold(lists, findings)
    splits = _listed(lists, labelled, findings)
    named = splits.keys() & labelled.keys()
    if len(named) < _ENOUGH * len(labelled):
        for each in lists:
            message = f"The split lists name {len(named)} of {len(labelled)} images and were not used."
            findings.add("warning", "split_list_unused", message, path=each.path, fix="List every image.")
        return labelled
    found = {}
    contradicted = [at for at in named if labelled[at].split not in {None, splits[at]}]
    for at in contradicted[:1]:
        message = f"Its folder says {_called(labelled[at].split)}, the list {_called(splits[at])}; the list was used."
        message += f" ({len(contradicted)} images)" if len(contradicted) > 1 else ""
        findings.add("warning", "splits_contradict", message, path=labelled[at].member.path)
    for at, entry in labelled.items():
        if at in splits:
            found[at] = entry._replace(split=splits[at])
        else:
            message = "The image is on none of the split lists."
            findings.leave_out(entry.member.path, "image_not_listed", message, fix="Add it to one of the lists.")
    return found


def _first_fold(lists: list[SplitList], findings: Findings) -> list[SplitList]:
    """Of `train1.txt`, `val1.txt`, `train2.txt` and so on those of one number, and what to do for another."""
    folds: dict[str, list[SplitList]] = {}
    for each in lists:
        number = re.search(r"\d+$", names.stem(each.path))
        folds.setdefault(number[0] if number else "", []).append(each)
    whole = sorted((fold for fold, found in folds.items() if len({each.split for each in found}) > 1), key=_by_number)
    if len(whole) < 2:
        return lists
    chosen = folds[whole[0]]
    message = (
        f"There are {len(whole)} sets of split lists; the first was read: {', '.join(e.path for e in chosen[:3])}."
    )
    fix = "For another set, pass `--ignore` with the names of these lists."
    findings.add("warning", "two_readings", message, fix=fix)
    return chosen


def _by_number(fold: str) -> int:
    return int(fold or 0)


def _listed(lists: list[SplitList], labelled: dict[int, Labelled], findings: Findings) -> dict[int, Split]:
    """The split of every listed image; the most held-out one of an image on several lists, which is told."""
    splits: dict[int, Split] = {}
    both: set[int] = set()  # on `trainval.txt`, which another list may divide
    for each in sorted(lists, key=lambda each: not _is_trainval(each)):
        if each.missing:
            message = f"{each.missing} of its lines name no image of the archive, as {names.printable(each.example)!r}."
            findings.add(
                "warning", "image_missing", message, path=each.path, fix="Add the images, or correct the list."
            )
        for at in each.positions:
            before = splits.setdefault(at, each.split)
            if _is_trainval(each):
                both.add(at)
            elif at in both:
                both.discard(at)
                splits[at] = before = each.split
            if before == each.split:
                continue
            splits[at] = max(before, each.split)
            path = labelled[at].member.path if at in labelled else each.path
            message = (
                f"It is on the lists of {_called(before)} and {_called(each.split)}; {_called(splits[at])} counts."
            )
            findings.add("warning", "in_several_splits", message, path=path, fix="Keep it on one list.")
    return splits


def _is_trainval(each: SplitList) -> bool:
    return "trainval" in names.stem(each.path).lower()


def _called(split: Split | None) -> str:
    return "no split" if split is None else split.name.lower()
