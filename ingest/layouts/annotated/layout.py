"""What every layout of masks or boxes amounts to: images, each with split and annotation, and the names of classes."""

from dataclasses import dataclass, field
from typing import NamedTuple

from contract.pack.manifest import Split
from contract.results.ingested import Layout
from ingest.archives.members import Member
from ingest.findings import Findings
from ingest.marks import Annotation


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


def reject_unannotated(images: list[Member], taken: set[int], what: str, *, fix: str, findings: Findings) -> None:
    """Images whose `position` is not in `taken`."""
    for member in images:
        if member.position not in taken:
            findings.reject(member.path, "annotation_missing", f"the image has no {what}", fix=fix)
