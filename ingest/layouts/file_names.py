"""Classes in the names of image files: `cat.0.jpg`, `daisy-12.png`, `train/cat_0001.jpg`.

Nothing in such a tree says that the word before the number is the class, so the reading is inferred only where the
whole tree looks like it, and is always told.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from contract.pack.manifest import Split
from contract.specs.reading import ReadingSpec
from ingest import names
from ingest.archives.members import Member
from ingest.findings import Findings
from ingest.layouts.folders import Labelled
from ingest.layouts.split_folders import SplitFolders

ASKED = "file_names"  # of `labels_from`
ASK = f"pass `--labels-from {ASKED}`"

_NAMED = re.compile(r"(?P<word>[^\W\d][^\d]*?)(?P<separator>[\s._(-]*)\d+\)?")
# What cameras, phones and programs call every picture, and words that tell views of one thing apart.
_NO_CLASSES = frozenset({
    "img", "imgs", "image", "images", "im", "imag", "pic", "pics", "picture", "photo", "foto", "bild", "dsc", "dscn",
    "dscf", "pxl", "mvimg", "sam", "cimg", "dji", "gopr", "screenshot", "screen shot", "scan", "frame", "file",
    "sample", "untitled", "capture", "whatsapp image", "mask", "masks", "label", "labels", "gt", "seg", "page", "tile",
    "crop", "snapshot", "pano", "burst", "vid", "video", "received", "copy", "new", "unknown", "unlabeled",
    "unlabelled",
})  # fmt: skip
_NEARLY_ALL = 0.95  # of the images, with a word and a number
_FEWEST = 2  # images of a word
_FEWEST_ON_AVERAGE = 5
_MOST_WORDS = 500
_SHOWN = 5


class _Named(NamedTuple):
    word: str
    separated: bool


@dataclass
class NameReading:
    """What the names of files say. `labelled` is by the member's position."""

    labelled: dict[int, Labelled] = field(default_factory=dict)
    nameless: list[Member] = field(default_factory=list)
    unlabelled: list[Member] = field(default_factory=list)  # of held-out splits in which no name has a word
    separated: bool = True  # whether each word is set apart from its number

    @property
    def counts(self) -> Counter[str]:
        return Counter(entry.label for entry in self.labelled.values())

    @property
    def possible(self) -> bool:
        """Whether there are several words, each of several images."""
        counts = self.counts
        images = len(self.labelled) + len(self.nameless)
        return (
            2 <= len(counts) <= _MOST_WORDS
            and min(counts.values()) >= _FEWEST
            and len(self.labelled) >= _NEARLY_ALL * images
        )

    @property
    def clear(self) -> bool:
        """Whether the words are taken for classes without being asked to."""
        return (
            self.separated
            and self.possible
            and len(self.labelled) >= _FEWEST_ON_AVERAGE * len(self.counts)
            and not any(_says_no_class(word) for word in self.counts)
        )

    @property
    def shown(self) -> str:
        """The commonest words with their number of images."""
        counts = self.counts
        some = ", ".join(f"{word} ({count:,})" for word, count in counts.most_common(_SHOWN))
        return some if len(counts) <= _SHOWN else f"{some} and {len(counts) - _SHOWN} more"


def read_file_names(images: list[Member], splits: SplitFolders) -> NameReading:
    """The word before the number of each name. Words that differ in case alone are one, as most images spell it."""
    named = {member.position: _named(member) for member in images}
    spelling = _spelling(Counter(one.word for one in named.values() if one))
    split_of = {member.position: splits.of(tuple(member.path.split("/")[:-1])) for member in images}
    spoken = {split_of[position] for position, one in named.items() if one}
    found = NameReading(separated=all(one.separated for one in named.values() if one))
    for member in images:
        one, split = named[member.position], split_of[member.position]
        if one is not None:
            found.labelled[member.position] = Labelled(member, spelling[one.word.casefold()], split)
        elif split in {Split.VAL, Split.TEST} - spoken:
            found.unlabelled.append(member)
        else:
            found.nameless.append(member)
    return found


def tell(found: NameReading, asked: ReadingSpec, findings: Findings) -> None:
    """That the names were read, what decided it, and which images they leave without a class."""
    guessed = asked.labels_from != ASKED
    why = "as asked" if not guessed else "folders name fewer than two classes, and no table names any"
    message = f"The classes were taken from the file names, by the word before the number: {found.shown}; {why}."
    fix = "If these words are no classes, put the images into class folders, or add a CSV of `filename,label`."
    findings.add("warning" if guessed else "info", "classes_by_file_name", message, fix=fix if guessed else None)
    for member in found.nameless:
        message = "Its name has no word before a number, so it has no class."
        leave = findings.leave_out if asked.unlabelled == "skip" else findings.reject
        leave(member.path, "image_without_class", message, fix="Rename it as the others, or take it out.")
    for member in found.unlabelled:
        message = "No name in its split has a word before a number, so the split has no classes."
        findings.leave_out(member.path, "unlabelled_split", message, fix="Rename its images by class, or leave it out.")


def as_words(found: NameReading, labelled: dict[int, Labelled], findings: Findings) -> dict[int, Labelled]:
    """Numbers as classes under the words that the file names have for them, where each number has one of its own."""
    if not found.possible or not all(entry.label.isdigit() for entry in labelled.values()):
        return labelled
    pairs = {(entry.label, found.labelled[at].label) for at, entry in labelled.items() if at in found.labelled}
    words = dict(pairs)
    spoken = len(words) == len(pairs) == len(set(words.values()))
    if not spoken or words.keys() != {entry.label for entry in labelled.values()}:
        return labelled
    some = ", ".join(f"{number} is {words[number]!r}" for number in sorted(words, key=int)[:3])
    message = f"The classes are numbers; the words before the numbers of the file names were taken for them: {some}."
    findings.add("info", "classes_named", message)
    return {at: entry._replace(label=words[entry.label]) for at, entry in labelled.items()}


def tell_unheard(found: NameReading, labelled: dict[int, Labelled], findings: Findings) -> None:
    """A warning where the names could be classes, and sort the images otherwise than the labels that count."""
    if not found.clear:
        return
    both = found.labelled.keys() & labelled.keys()
    pairs = Counter((found.labelled[at].label, labelled[at].label) for at in both)
    per_word, per_label = Counter(word for word, _ in pairs), Counter(label for _, label in pairs)
    crossed = max(per_word.values(), default=0) > 1 and max(per_label.values(), default=0) > 1
    if crossed:
        message = f"The file names could be classes, too: {found.shown}. They give other classes and are not used."
        findings.add("warning", "two_readings", message, fix=f"For that reading, {ASK}.")


def _named(member: Member) -> _Named | None:
    match = _NAMED.fullmatch(names.stem(member.path))
    return _Named(names.printable(match["word"]), bool(match["separator"])) if match else None


def _spelling(counts: Counter[str]) -> dict[str, str]:
    """The commonest spelling of each word, by the word without case."""
    found: dict[str, str] = {}
    for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        found.setdefault(word.casefold(), word)
    return found


def _says_no_class(word: str) -> bool:
    return word.casefold() in _NO_CLASSES or names.split_of_folder(word) is not None
