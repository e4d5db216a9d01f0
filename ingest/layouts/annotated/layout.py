"""What every layout of masks or boxes amounts to: images, each with split and annotation, and the names of classes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from contract.pack.manifest import Split
from contract.results.ingested import Layout
from contract.specs.reading import AS_FOUND, ReadingSpec
from contract.tasks import TaskName
from ingest.archives.members import Archive, Member
from ingest.findings import Findings
from ingest.limits import Limits
from ingest.marks import Annotation


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
