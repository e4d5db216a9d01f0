"""What every layout of masks or boxes amounts to: images, each with split and annotation, and the names of classes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from contract.pack.manifest import Split
from contract.results.ingested import Layout
from contract.specs.reading import AS_FOUND, ReadingSpec
from contract.tasks import TaskName
from ingest import names
from ingest.archives.members import Archive, Member
from ingest.findings import Findings
from ingest.layouts.finder import Finder
from ingest.limits import Limits
from ingest.marks import Annotation

_FAR_MORE = 4
_SOME = 1_000


@dataclass(frozen=True)
class Given:
    """What a reader has to go by."""

    archive: Archive
    others: list[Member]  # files that are no images by their names
    images: list[Member]
    task: TaskName
    limits: Limits
    findings: Findings
    scratch: Path
    looked: Callable[[int], None]
    asked: ReadingSpec = AS_FOUND

    def has_no_room(self, called: str, path: str, held: int) -> bool:
        """Whether a page is not worth keeping: there are far more than images, and it speaks of none of them."""
        if held < _FAR_MORE * len(self.images) + _SOME:
            return False
        return self.finder.find(called, path.rpartition("/")[0]) is None

    @cached_property
    def finder(self) -> Finder:
        return Finder(self.images)

    @cached_property
    def stems(self) -> set[str]:
        """The names of the images without folder and suffix."""
        return {names.stem(member.path) for member in self.images}


class Entry(NamedTuple):
    member: Member
    split: Split | None
    annotation: Annotation


@dataclass(frozen=True)
class Annotated:
    layout: Layout
    classes: list[str] | None  # None: class_0, class_1 and so on, as many as the annotations use
    entries: list[Entry]
    used: set[str] = field(default_factory=set)  # paths of the files that spoke
    honoured: frozenset[str] = frozenset()  # fields of ReadingSpec that the reader has applied
