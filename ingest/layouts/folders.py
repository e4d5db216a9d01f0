"""ImageFolder: the class is the folder's name; with or without train, val and test folders, however deeply wrapped."""

from collections import Counter
from typing import NamedTuple

from contract.pack.manifest import Split
from ingest import names
from ingest.archives.members import Member
from ingest.findings import Findings


class Labelled(NamedTuple):
    member: Member
    label: str
    split: Split | None


Folders = list[tuple[Member, tuple[str, ...]]]


def label_by_folder(images: list[Member], findings: Findings) -> list[Labelled]:
    """Every image that stands in a class folder. Says what stands elsewhere."""
    folders: Folders = [(member, tuple(member.path.split("/")[:-1])) for member in images]
    folders = _unwrapped(folders)
    firsts = {parts[0] for _, parts in folders if parts}
    if _are_splits(firsts) and any(len(parts) > 1 for _, parts in folders):
        return _by_split_then_class(folders, findings)
    if _class_then_split(folders):
        labelled = [Labelled(member, parts[0], names.split_named(parts[1])) for member, parts in folders]
    else:
        labelled = [Labelled(member, parts[0], None) for member, parts in folders if parts]
        _leave_out_loose(folders, findings, least=1)
        _tell_nested(folders, findings, least=1)
    return labelled


def _unwrapped(folders: Folders) -> Folders:
    """Without the folders that hold everything else: `data/set1/cat/1.png` becomes `cat/1.png`."""
    while True:
        firsts = {parts[0] for _, parts in folders if parts}
        if len(firsts) != 1 or not any(len(parts) > 1 for _, parts in folders):
            return folders
        folders = [(member, parts[1:]) for member, parts in folders]


def _are_splits(firsts: set[str]) -> bool:
    """Train with a held-out folder: a lone `train` beside other folders may be a class of vehicles."""
    splits = {names.split_named(first) for first in firsts}
    return Split.TRAIN in splits and bool(splits & {Split.VAL, Split.TEST})


def _class_then_split(folders: Folders) -> bool:
    seconds = {parts[1] if len(parts) > 1 else "" for _, parts in folders}
    return _are_splits(seconds) and all(names.split_named(second) is not None for second in seconds)


def _by_split_then_class(folders: Folders, findings: Findings) -> list[Labelled]:
    inside = [(member, parts) for member, parts in folders if parts and names.split_named(parts[0]) is not None]
    for member, parts in folders:
        if parts and names.split_named(parts[0]) is None:
            message = f"the folder {parts[0]!r} stands beside the split folders and is none of them"
            findings.leave_out(member.path, "outside_splits", message, fix="Move it into train, val or test.")
    _leave_out_loose(folders, findings, least=1)
    _leave_out_loose(inside, findings, least=2)
    _tell_nested(inside, findings, least=2)
    return [Labelled(member, parts[1], names.split_named(parts[0])) for member, parts in inside if len(parts) > 1]


def _leave_out_loose(folders: Folders, findings: Findings, *, least: int) -> None:
    for member, parts in folders:
        if len(parts) == least - 1:
            fix = "Put each image into a folder named after its class."
            findings.leave_out(member.path, "image_without_class", "the image stands in no class folder", fix=fix)


def _tell_nested(folders: Folders, findings: Findings, *, least: int) -> None:
    nested = Counter(parts[least - 1] for _, parts in folders if len(parts) > least)
    for name, count in nested.most_common(20):
        message = f"{count} images in folders inside {name!r} were taken as that class"
        findings.add("info", "nested_folders", message)
