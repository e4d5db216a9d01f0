"""Super-classes: a `superclasses.json` beside or above all images, an object of class -> super-class.

They only sort errors in the report, so a file that cannot be used is told of and left aside, and the dataset is sound.
"""

import json
from dataclasses import dataclass, field

from ingest import names
from ingest.archives.members import Archive, Member
from ingest.findings import Findings

FILE_NAME = "superclasses.json"
_LARGEST_BYTES = 4 << 20  # 10,000 classes of 255 characters each way
_FIX = 'Write one JSON object with every class: {"oak": "trees", "maple": "trees", "trout": "fish"}.'


@dataclass(frozen=True)
class Superclasses:
    """What an archive says of its classes, not yet held against them."""

    path: str | None
    stated: dict[str, str] = field(default_factory=dict)

    def of(self, classes: list[str], findings: Findings) -> dict[str, str] | None:
        """The super-class of each of these classes; None, and a finding, where that is not known of all of them."""
        if not self.stated:
            return None
        if unknown := sorted(set(self.stated) - set(classes)):
            message = f"It names {len(unknown)} classes that have no images, as {unknown[0]!r}."
            findings.add("info", "superclass_of_no_class", message, path=self.path)
        if missing := [name for name in classes if name not in self.stated]:
            message = f"It does not name {len(missing)} of the classes, as {missing[0]!r}; super-classes are not used."
            findings.add("warning", "superclasses_incomplete", message, path=self.path, fix=_FIX)
            return None
        found = {name: self.stated[name] for name in classes}
        if len(set(found.values())) in {1, len(classes)}:
            message = "Each super-class holds one class, or one holds all, so that errors cannot be grouped."
            findings.add("warning", "superclasses_trivial", message, path=self.path, fix="Group some of the classes.")
            return None
        return found


NONE_NAMED = Superclasses(None)


def read_superclasses(archive: Archive, others: list[Member], images: list[Member], findings: Findings) -> Superclasses:
    """What stands in the archive's file, if it has one. Says what is wrong with it."""
    member = next((member for member in others if _speaks_for(member.path, images)), None)
    if member is None:
        return NONE_NAMED
    contents = list(archive.read({member.position}, limit=_LARGEST_BYTES))
    stated = _parsed(contents[0][1]) if contents else {}
    if stated is None:
        message = "It is not a JSON object of names; super-classes are not used."
        findings.add("warning", "superclasses_unreadable", message, path=member.path, fix=_FIX)
    return Superclasses(member.path, stated or {})


def _speaks_for(path: str, images: list[Member]) -> bool:
    folder, _, name = path.rpartition("/")
    return name == FILE_NAME and all(image.path.startswith(f"{folder}/" if folder else "") for image in images)


def _parsed(content: bytes) -> dict[str, str] | None:
    try:
        stated = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(stated, dict) or not stated:
        return None
    found = {names.class_name(name): names.class_name(value) for name, value in stated.items()}
    if None in found or None in found.values():
        return None
    return {str(name): str(value) for name, value in found.items()}
