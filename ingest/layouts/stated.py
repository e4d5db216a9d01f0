"""What a table or list says of images, row by row, and the same once every name is held against the images."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from contract.pack.manifest import Split
from contract.results.ingested import Layout
from ingest import names
from ingest.archives.members import Member
from ingest.findings import Findings, Refused
from ingest.layouts.composite import parts_of, spaced
from ingest.layouts.finder import Finder
from ingest.layouts.folders import Labelled

_MOST_SEVERAL = 0.05  # of the images, with more than one class
_MISSING = frozenset({"nan", "null", "<na>", "#n/a", "n/a"})  # what programs write for an empty cell


def fits(path: str, chosen: str) -> bool:
    """Whether `labels_from` means this file: by its path, or by a glob such as `images_variant_*.txt`."""
    return path == chosen or fnmatchcase(path, chosen)


def _pattern(path: str) -> str:
    """A glob for all files that differ in the split that they are called after."""
    folder, slash, last = path.rpartition("/")
    stem, dot, suffix = last.rpartition(".")
    words = re.split(r"([_\-. ])", stem)
    return (
        f"{folder}{slash}{''.join('*' if names.split_named(word) is not None else word for word in words)}{dot}{suffix}"
    )


class Row(NamedTuple):
    """One line. Without labels it only names an image, and perhaps its split."""

    number: int
    name: str
    labels: tuple[str, ...]
    split: Split | None = None
    unknown_split: str = ""


@dataclass(frozen=True)
class Stated:
    path: str
    layout: Layout
    rows: Iterable[Row]
    columns: str = ""  # what was read and what else could have been, as a sentence
    unread: tuple[str, ...] = ()  # columns that say something else


Found = dict[int, tuple[Member, set[str], Split | None]]  # by position, what one table says


@dataclass
class Claim:
    """Which class the tables give to which image. What is wrong with rows is kept until somebody wants to hear it."""

    folders: dict[int, str] = field(default_factory=dict)  # by position, the class that the folders give, if any
    labelled: dict[int, Labelled] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)  # tables that named any image
    origin: dict[int, str] = field(default_factory=dict)  # by position, the table
    several: dict[int, tuple[Member, set[str]]] = field(default_factory=dict)
    faults: Findings = field(default_factory=Findings)
    missing: dict[str, int] = field(default_factory=dict)  # table -> rows that name no image
    example: dict[str, str] = field(default_factory=dict)  # table -> the first name that leads to no image
    rows: dict[str, int] = field(default_factory=dict)  # table -> all rows
    unlabelled: dict[int, str] = field(default_factory=dict)  # by position, a list of the test that names no classes
    lists: str = ""  # a label that was read as a list of classes
    _waiting: list[tuple[str, Found]] = field(default_factory=list)
    _known: list[dict[str, str]] = field(default_factory=list)  # folders for numbers, of the tables that tell

    def take(self, stated: Stated, finder: Finder) -> None:
        folder = stated.path.rpartition("/")[0]
        found: Found = {}
        for row in stated.rows:
            self.rows[stated.path] = self.rows.get(stated.path, 0) + 1
            shown = f"{stated.path} row {row.number}"
            match = finder.look(row.name, folder, row.split)
            if match.member is None:
                self._miss(stated.path, shown, row.name, match.rivals)
            elif not row.labels or (len(row.labels) == 1 and row.labels[0].casefold() in _MISSING):
                instead = f", but {row.labels[0]!r}" if row.labels else ""
                message = f"The row names no class{instead}."
                self.faults.add("warning", "label_missing", message, path=shown, fix="Name its class, or take it out.")
            else:
                if row.unknown_split:
                    self._unknown_split(shown, row.unknown_split)
                before = found.get(match.member.position)
                if before is None:
                    found[match.member.position] = (match.member, set(row.labels), row.split)
                else:
                    before[1].update(row.labels)
                    if len(before[1]) == 1:
                        self.faults.add("info", "listed_twice", "The table names the image twice.", path=shown)
        if found:
            self.heard.add(stated.path)
        words = self._words(found)
        if words is None:
            self._waiting.append((stated.path, found))
            return
        if words and words not in self._known:
            self._known.append(words)
        self._settle_all(stated.path, found, words)

    def finish(self, codes: dict[str, str]) -> None:
        """Once all tables were taken. `codes`: Open Images' codes in words."""
        words = self._known[0] if len(self._known) == 1 else {}
        for path, found in self._waiting:
            fits = all(label in words for _, labels, _ in found.values() for label in labels)
            self._settle_all(path, found, words if fits else {})
        self._waiting.clear()
        for at, entry in self.labelled.items() if codes else ():
            self.labelled[at] = entry._replace(label=codes.get(entry.label, entry.label))
        self._take_apart()
        self._keep_of_folder()
        if codes:
            self.several = {
                at: (member, {codes.get(label, label) for label in labels})
                for at, (member, labels) in self.several.items()
            }

    def _take_apart(self) -> None:
        """Images whose label lists several classes have several."""
        parts = parts_of({entry.label for entry in self.labelled.values()})
        self.lists = min(parts, default="")
        for at, entry in list(self.labelled.items()) if parts else ():
            found = parts.get(entry.label, ())
            if len(found) > 1:
                self.several[at] = (entry.member, set(found))
                del self.labelled[at]
            elif found:
                self.labelled[at] = entry._replace(label=found[0])

    def _keep_of_folder(self) -> None:
        """Take the folder's class where the label is `banded woven` and both are folders; report the other."""
        called = set(self.folders.values())
        further = []
        for at, entry in self.labelled.items():
            words = entry.label.split()
            if len(words) > 1 and self.folders.get(at) in words and called.issuperset(words):
                further.append(entry)
                self.labelled[at] = entry._replace(label=self.folders[at])
        if further:
            message = (
                f"{len(further)} labels name further classes, as {further[0].label!r}; the folder's class was kept."
            )
            fix = "Keep one class for each image."
            self.faults.add("warning", "labels_composite", message, path=further[0].member.path, fix=fix)

    def refuse_several(self) -> None:
        """Raises Refused where many images have more than one class."""
        total = len(self.labelled) + len(self.several)
        if len(self.several) > _MOST_SEVERAL * total:
            member, labels = next(iter(self.several.values()))
            message = (
                f"{len(self.several)} of {total} images have several classes, as {member.path!r}: "
                f"{', '.join(sorted(labels)[:5])}."
            )
            fix = "Training needs one class for each image: keep one in the table."
            if self.lists:
                message += f" Labels such as {self.lists!r} were read as lists of classes."
                fix += " If such a label is one class, write it without the marks between its words."
            if len(self.heard) > 1:
                kinds = sorted({_pattern(path) for path in self.heard})
                message += f" The tables are {', '.join(kinds[:5])}."
                fix = (
                    "Pass the one that is right: "
                    + ", or ".join(f"`--labels-from '{kind}'`" for kind in kinds[:3])
                    + "."
                )
            raise Refused("several_classes", message, fix)

    def tell(self, findings: Findings) -> None:
        findings.extend(self.faults)
        if example := spaced({entry.label for entry in self.labelled.values()}):
            message = f"Labels such as {example!r} may list several classes; each was read as one class of its own."
            findings.add("warning", "labels_composite", message, fix="If they do, keep one class for each image.")
        for member, labels in self.several.values():
            message = f"The tables give the image several classes: {', '.join(sorted(labels)[:5])}."
            message += f" (Labels such as {self.lists!r} were read as lists.)" if self.lists else ""
            findings.reject(member.path, "conflicting_labels", message, fix="Keep one label for each image.")

    def _words(self, found: Found) -> dict[str, str] | None:
        """Folders for numbers: where a table calls every image of `n01440764/` 0, its 0 is that folder.

        None where another table may tell: all are numbers, and none of the images is in a class folder.
        """
        numbers = {label for _, labels, _ in found.values() for label in labels}
        if not self.folders or not numbers or not all(label.isdigit() for label in numbers):
            return {}
        pairs: dict[str, set[str]] = {}
        for position, (_, labels, _) in found.items():
            if position in self.folders and len(labels) == 1:
                pairs.setdefault(next(iter(labels)), set()).add(self.folders[position])
        if not pairs:
            return None
        words = {number: next(iter(called)) for number, called in pairs.items() if len(called) == 1}
        return words if len(words) == len(pairs) == len(set(words.values())) else {}

    def _settle_all(self, path: str, found: Found, words: dict[str, str]) -> None:
        for position, (member, labels, split) in found.items():
            self._settle(path, position, member, {words.get(label, label) for label in labels}, split)

    def _settle(self, path: str, position: int, member: Member, labels: set[str], split: Split | None) -> None:
        if position in self.several:
            self.several[position][1].update(labels)
        elif position in self.labelled:
            before = self.labelled[position]
            if labels == {before.label}:
                self.faults.add("info", "listed_twice", "Two tables name the image.", path=member.path)
                if before.split is None and split is not None:
                    self.labelled[position] = before._replace(split=split)
            else:
                self.several[position] = (member, labels | {before.label})
                del self.labelled[position]
        elif len(labels) > 1:
            self.several[position] = (member, labels)
        else:
            self.labelled[position] = Labelled(member, next(iter(labels)), split)
            self.origin[position] = path

    def _miss(self, path: str, shown: str, name: str, rivals: tuple[str, ...]) -> None:
        self.missing[path] = self.missing.get(path, 0) + 1
        self.example.setdefault(path, names.printable(name)[:200])
        called = repr(names.printable(name)[:200])
        if len(rivals) > 1:
            message = f"{called} could be {rivals[0]!r} or {rivals[1]!r}; none was taken."
            self.faults.add("warning", "image_ambiguous", message, path=shown, fix="Give the image's whole path.")
            return
        message = f"The archive has no image {called}."
        if rivals:
            message += f"; {rivals[0]!r} stands in another folder than the row says"
        fix = "Add the image, correct its path, or remove the row."
        self.faults.add("warning", "image_missing", message, path=shown, fix=fix)

    def _unknown_split(self, shown: str, value: str) -> None:
        message = f"{names.printable(value)[:50]!r} is no split, so the row has none."
        self.faults.add("warning", "split_unknown", message, path=shown, fix="Use train, val or test.")
