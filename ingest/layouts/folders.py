"""Images in folders: the class is a folder's name, at the depth that the whole tree or the person says."""

import re
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from contract.pack.manifest import Split
from contract.specs.reading import ReadingSpec
from ingest import names
from ingest.archives.members import Member
from ingest.findings import Findings, Refused
from ingest.layouts.finder import IMAGE_FOLDERS
from ingest.layouts.recurring import called_after_parts
from ingest.layouts.split_folders import Parts, SplitFolders, find_splits
from ingest.layouts.tree import MOST_PARTS, ClassFolders, Doubt, find_classes

_SHOWN = 5
_MASK_FOLDERS = frozenset({"masks", "mask", "segmentationclass", "labels", "annotations", "gt", "ground_truth"})


_ROLES = _MASK_FOLDERS | IMAGE_FOLDERS


class Labelled(NamedTuple):
    member: Member
    label: str
    split: Split | None


@dataclass
class FolderReading:
    """What the folders say of every image. `labelled` is by the member's position."""

    labelled: dict[int, Labelled] = field(default_factory=dict)
    left_out: list[tuple[Member, str, str]] = field(default_factory=list)  # image, code, why
    classes: ClassFolders = field(default_factory=ClassFolders)
    splits: SplitFolders = field(default_factory=SplitFolders)

    @property
    def names(self) -> set[str]:
        return {entry.label for entry in self.labelled.values()}

    @property
    def plausible(self) -> bool:
        """Whether the folders could be the classes at all; `images` beside `test` could not."""
        meant = {name for name in self.names if name.casefold() not in _ROLES and not names.split_of_folder(name)}
        return len(self.names) > 1 and bool(meant) and not self.masks_beside and not called_after_parts(self.names)

    @property
    def masks_beside(self) -> bool:
        """Folders of pictures and of masks, not of classes."""
        folded = {name.casefold() for name in self.names}
        return len(folded) in {2, 3} and bool(folded & _MASK_FOLDERS) and bool(folded & {"images", "jpegimages", "img"})


def read_folders(images: list[Member], asked: ReadingSpec) -> FolderReading:
    """The classes by folders. Raises Refused where the person names folders that are not there."""
    counts = Counter(_folder(member) for member in images)
    splits = find_splits(counts)
    if asked.classes_at is None:
        classes = find_classes(counts, splits)
    else:
        classes = ClassFolders(_folders_at(counts, asked.classes_at))
    found = FolderReading(classes=classes, splits=splits)
    places = {folder: classes.place(folder) for folder in counts}
    for member in images:
        folder = _folder(member)
        place = places[folder]
        if place is None:
            found.left_out.append((member, "image_without_class", "the image stands in no class folder"))
        elif place in classes.side:
            code = "outside_splits" if place in splits.beside else "beside_the_classes"
            message = f"The folder {names.printable(place[-1])!r} stands {classes.side[place]}."
            found.left_out.append((member, code, message))
        else:
            found.labelled[member.position] = Labelled(member, classes.labels[place].strip(), splits.of(folder))
    _without_unlabelled(found)
    return found


def tell(found: FolderReading, findings: Findings) -> None:
    """What was left out, and how the folders could be read otherwise. Raises Refused where a person has to choose."""
    if found.classes.undecided:
        raise undecided(found)
    if found.classes.numbered:
        raise _numbered(found)
    for member, code, message in found.left_out:
        findings.leave_out(member.path, code, message, fix=_FIXES[code])
    for doubt in found.classes.doubts:
        message = f"The classes were taken to be {shown(found.names)}. {_other(doubt)}"
        findings.add("warning", "two_readings", message, fix=_remedy(doubt))
    for name, count in found.classes.nested.most_common(20):
        message = f"{count} images in folders inside {name!r} were taken as that class."
        findings.add("info", "nested_folders", message)


def undecided(found: FolderReading) -> Refused:
    """The refusal that names both readings."""
    folders = sorted("/".join(place) for place in found.classes.side)
    message = f"The classes could be {shown(found.names)}, but {folders[0]!r} beside them holds many images."
    other = _other(found.classes.doubts[0]) if found.classes.doubts else ""
    depth = f" or `--classes-at {found.classes.doubts[0].depth}`" if found.classes.doubts else ""
    return Refused("classes_unclear", f"{message} {other}".strip(), f"Pass `--ignore '{folders[0]}'`{depth}.")


def _numbered(found: FolderReading) -> Refused:
    """The refusal of folders such as `Greek/character01` and `Latin/character01`."""
    doubt = found.classes.doubts[-1]
    names, depth = doubt.further[0]
    message = f"The classes could be {shown(found.names)}, each with both names; or {shown(set(doubt.other))}; or "
    message += f"{shown(set(names))}, one class wherever they stand."
    fix = f"Pass `--classes-at {doubt.depth}-{depth}` for both names, `--classes-at {doubt.depth}` for the outer, or "
    return Refused("classes_unclear", message, f"{fix}`--classes-at {depth}` for the inner folders.")


def shown(classes: set[str]) -> str:
    """A few names and how many there are."""
    some = ", ".join(sorted(classes)[:_SHOWN])
    return some if len(classes) <= _SHOWN else f"{some} and {len(classes) - _SHOWN} more"


_FIXES = {
    "image_without_class": "Put each image into a folder named after its class.",
    "outside_splits": "Move it into train, val or test, or pass `--ignore` with the folder's name to say it is right.",
    "beside_the_classes": "If it is a class, pass `--classes-at` with its depth.",
    "unlabelled_split": "Sort its images into class folders, or leave them out; they have no labels.",
}


def _other(doubt: Doubt) -> str:
    also = "".join(f", or {shown(set(names))}" for names, _ in doubt.further)
    return f"They could also be {shown(set(doubt.other))}{also}, at depth {doubt.depth}: {doubt.why}."


def _remedy(doubt: Doubt) -> str:
    if not doubt.further:
        return f"For that reading, pass `--classes-at {doubt.depth}`."
    also = "".join(f", for {shown(set(names))} `--classes-at {where}`" for names, where in doubt.further)
    return f"For {shown(set(doubt.other))} pass `--classes-at {doubt.depth}`{also}."


def _folder(member: Member) -> Parts:
    return tuple(member.path.split("/")[:-1][:MOST_PARTS])


def _folders_at(counts: Counter[Parts], classes_at: int | str) -> dict[Parts, str]:
    """The class folders that the person names: by depth, by a range of depths whose names are joined, or by a glob."""
    span = re.fullmatch(r"(\d{1,3})-(\d{1,3})", str(classes_at))
    first, last = (int(span[1]), int(span[2])) if span else (classes_at, classes_at)
    by_depth = isinstance(last, int)
    pattern = [""] * last if isinstance(last, int) else last.strip("/").split("/")
    start = first - 1 if isinstance(first, int) else len(pattern) - 1
    found: dict[Parts, str] = {}
    for folder in counts:
        place = folder[: len(pattern)]
        if len(place) == len(pattern) and (by_depth or all(map(fnmatchcase, place, pattern))):
            found[place] = "/".join(place[start:])
    if not found or start < 0:
        where = f"at depth {classes_at}" if by_depth else f"that fits {classes_at!r}"
        deepest = "/".join(max((len(folder), folder) for folder in counts)[1])
        fix = f"The deepest folder is {deepest!r}; count from there."
        raise Refused("option_without_effect", f"`classes_at`: the archive has no folder of images {where}.", fix)
    return found


def _without_unlabelled(found: FolderReading) -> None:
    """A held-out split whose only folder is no class of the training split has no labels: `test/unknown/1.jpg`."""
    by_split: dict[Split | None, set[str]] = {}
    for entry in found.labelled.values():
        by_split.setdefault(entry.split, set()).add(entry.label)
    training = by_split.get(Split.TRAIN, set())
    for split in (Split.VAL, Split.TEST):
        only = by_split.get(split, set())
        if len(training) > 1 and len(only) == 1 and not only & training:
            for entry in [entry for entry in found.labelled.values() if entry.split == split]:
                message = (
                    f"The split {split.name.lower()} holds one folder, {entry.label!r}, which is no class of train."
                )
                found.left_out.append((entry.member, "unlabelled_split", message))
                del found.labelled[entry.member.position]
