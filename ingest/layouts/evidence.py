"""Every file of an archive that could say something of its images, read by the layout that its content is of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from contract.results.ingested import Layout
from contract.specs.reading import ReadingSpec
from ingest import names
from ingest.archives.members import Archive, Member
from ingest.findings import Findings
from ingest.layouts import json_labels, lists, metadata_jsonl, numbered_lists, one_hot, open_images, tables, words
from ingest.layouts.finder import Finder
from ingest.layouts.folders import FolderReading
from ingest.layouts.lists import SplitList
from ingest.layouts.sheets import Sheet, text_of
from ingest.layouts.stated import Claim, Stated, fits
from ingest.layouts.superclasses import FILE_NAME as SUPERCLASSES
from ingest.layouts.words import Words
from ingest.limits import Limits

_TABLES = frozenset({"csv", "tsv"})
_TEXTS = frozenset({"txt", "lst", "jsonl", "ndjson", "json"})
_SHORT = 1 << 16  # bytes of a text that holds a word
_MOST_TEXTS = 500  # beyond, they are one for each image


@dataclass
class Evidence:
    """What files there are, and the classes that all of them, or the one that the person chose, give to the images."""

    claim: Claim = field(default_factory=Claim)
    layouts: dict[str, Layout] = field(default_factory=dict)  # by path, of files that name images and classes
    columns: dict[str, str] = field(default_factory=dict)  # by path, which columns were chosen among several
    unread: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by path, columns of something else
    split_lists: list[SplitList] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)  # path -> why
    unmatched: set[str] = field(default_factory=set)  # of those, the ones that name image files
    codes: dict[str, str] = field(default_factory=dict)  # Open Images' codes in words
    known: list[Words] = field(default_factory=list)  # names for numbers of classes
    used: set[str] = field(default_factory=set)
    boxes: list[str] = field(default_factory=list)  # files that hold boxes or masks
    word_beside: tuple[str, str] | None = None  # a text of an image's own name that holds one word, and the word


class Gathering:
    """One look at all files; each is read and forgotten before the next."""

    def __init__(
        self, images: list[Member], folders: FolderReading, asked: ReadingSpec, limits: Limits, findings: Findings
    ) -> None:
        known = {at: entry.label for at, entry in folders.labelled.items()} if folders.plausible else {}
        self.found = Evidence(Claim(known))
        self._images, self._limits, self._findings = images, limits, findings
        self._numbering: numbered_lists.Numbering | None = None
        self._flags: numbered_lists.Flags | None = None
        self._chosen, _, self._column = asked.labels_from.partition(":")

    @cached_property
    def _finder(self) -> Finder:
        """Made once something names images: it takes as much memory as their names."""
        return Finder(self._images)

    def gather(self, archive: Archive, others: list[Member]) -> Evidence:
        wanted = dict(_wanted(others, self._images))
        for position, content in archive.read(wanted, limit=self._limits.table_bytes) if wanted else ():
            self._read(wanted[position], content)
        self._look_beside(archive, others)
        self.found.split_lists += numbered_lists.split_lists(self._numbering, self._flags)
        self.found.claim.finish(self.found.codes)
        return self.found

    def _look_beside(self, archive: Archive, others: list[Member]) -> None:
        """Into the first text that has the name of an image: it may be a label, or boxes."""
        texts = (member for member in others if names.suffix(member.path) == "txt")
        if (first := next(texts, None)) is None:
            return
        stems = {names.stem(member.path) for member in self._images}
        found = next((member for member in (first, *texts) if names.stem(member.path) in stems), None)
        for _, content in archive.read([found.position], limit=_SHORT) if found else ():
            words = content.decode("utf-8", "replace").split()
            if found and len(words) == 1 and not re.fullmatch(r"[-\d.,;]+", words[0]):
                self.found.word_beside = (found.path, names.printable(words[0])[:50])

    def _read(self, path: str, content: bytes) -> None:
        if names.suffix(path) in _TABLES:
            self._read_sheet(Sheet(path, content, self._limits.entries, self._findings))
        else:
            self._read_text(path, text_of(path, content, Findings()))

    def _read_sheet(self, sheet: Sheet) -> None:
        column = self._column if self._column and fits(sheet.path, self._chosen) else None
        header = set(sheet.header)
        if "submission" in sheet.path.lower():
            self.found.unused[sheet.path] = "a form for submissions, whose labels are placeholders"
        elif tables.BOX_COLUMNS & header:
            self.found.boxes.append(sheet.path)
        elif described := open_images.read_words(sheet):
            self.found.codes |= described
            self.found.used.add(sheet.path)
        elif stated := self._stated(sheet, column):
            self._take(stated)
        elif listed := tables.read_splits(sheet, self._finder, self._findings):
            self.found.split_lists += listed
        elif named := words.of_sheet(sheet):
            self.found.known.append(named)
            self.found.used.add(sheet.path)
        elif unlabelled := tables.read_unlabelled(sheet, self._finder):
            self.found.claim.unlabelled.update(dict.fromkeys(unlabelled, sheet.path))
            self.found.used.add(sheet.path)
        elif measured := tables.measured(sheet):
            self.found.unmatched.add(sheet.path)
            self.found.unused[sheet.path] = (
                f"its column {measured!r} holds numbers with fractions, which are no classes"
            )
        elif tables.names_images(sheet, self._finder):
            self.found.unmatched.add(sheet.path)
            shown = names.printable(", ".join(sheet.header[:8]))[:200]
            self.found.unused[sheet.path] = f"it names image files, but no column for their classes among: {shown}"
        else:
            self.found.unused[sheet.path] = "its columns name no images and labels"

    def _stated(self, sheet: Sheet, column: str | None) -> Stated | None:
        coded = open_images.read_open_images(sheet)
        marked = None if coded or column else one_hot.read_one_hot(sheet, self._findings)
        return coded or marked or tables.read_table(sheet, self._finder, column, self._findings)

    def _read_text(self, path: str, text: str) -> None:
        suffix = names.suffix(path)
        if suffix in {"jsonl", "ndjson"}:
            stated = metadata_jsonl.read_jsonl(path, text)
            if stated is None and '"objects"' in text[:10_000]:
                self.found.boxes.append(path)
        elif suffix == "json":
            stated = self._of_json(path, text)
        else:
            stated = lists.read_list(path, text, self._finder)
            if stated is None:
                self._read_lines(path, text)
        if stated is not None:
            self._take(stated)

    def _of_json(self, path: str, text: str) -> Stated | None:
        if json_labels.holds_boxes(text):
            self.found.boxes.append(path)
            return None
        if splits := json_labels.read_splits(path, text, self._finder):
            self.found.split_lists += splits
            return None
        stated = json_labels.read_json(path, text, self._finder)
        if stated is None and not self._name(words.of_json(path, text)) and len(text) > json_labels.LONGEST:
            self.found.unused[path] = f"JSON of more than {json_labels.LONGEST:,} characters; give labels as CSV"
        return stated

    def _read_lines(self, path: str, text: str) -> None:
        """A text that is no list of labels: names of classes, a list of a split's images, or one by numbers."""
        if self._name(words.of_lines(path, text)):
            return
        listed = lists.read_split_list(path, text, self._finder, self._limits.entries)
        if listed is None:
            self._read_numbered(path, text)
        else:
            self.found.split_lists.append(listed)

    def _name(self, named: Words | None) -> bool:
        """Keep names of classes, if there are any."""
        if named is not None:
            self.found.known.append(named)
            self.found.used.add(named.path)
        return named is not None

    def _read_numbered(self, path: str, text: str) -> None:
        numbering = numbered_lists.read_numbering(path, text, self._finder)
        flags = numbered_lists.read_flags(path, text)
        self._numbering, self._flags = numbering or self._numbering, flags or self._flags
        if numbering or flags:
            self.found.used.add(path)

    def _take(self, stated: Stated) -> None:
        self.found.layouts[stated.path] = stated.layout
        if self._chosen == "auto" or fits(stated.path, self._chosen):
            self.found.columns[stated.path] = stated.columns
            self.found.unread[stated.path] = stated.unread
            self.found.claim.take(stated, self._finder)


def _wanted(others: list[Member], images: list[Member]) -> Iterator[tuple[int, str]]:
    """Tables, and texts that are not one for each image."""
    stems = {names.stem(member.path) for member in images}
    texts = 0
    for member in others:
        suffix = names.suffix(member.path)
        parts = member.path.lower().split("/")
        if suffix in _TABLES:
            yield member.position, member.path
        elif suffix not in _TEXTS or "imagesets" in parts or parts[-1] == SUPERCLASSES:
            continue
        elif suffix in {"jsonl", "ndjson"} or names.stem(member.path) not in stems:
            texts += 1
            if texts <= _MOST_TEXTS:
                yield member.position, member.path
