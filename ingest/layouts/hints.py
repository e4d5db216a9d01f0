"""Signs that an archive holds boxes or masks though it is read for classes, and the refusals that name them."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from ingest import names
from ingest.archives.members import Member
from ingest.findings import Findings, Refused
from ingest.layouts.evidence import Evidence
from ingest.layouts.folders import FolderReading, shown

_UNREAD = frozenset({"mat", "xlsx", "xls", "ods", "pkl", "pickle", "h5", "hdf5", "arff", "db", "sqlite", "rds"})
_NUMBERED = re.compile(r"([^\W\d][^\d]*?)[\s._-]*\d+")
_MOST_BEGINNINGS = 500
_MOST = 0.5  # of the images, with a file of the same name


class Sign(NamedTuple):
    """What was seen, and the task that it speaks for."""

    what: str
    task: str


def tell_other_task(evidence: Evidence, others: list[Member], images: list[Member], findings: Findings) -> None:
    """A warning where annotations lie unused beside the classes."""
    for sign in _signs(evidence, others, images):
        message = f"{sign.what}; they are not used for classification."
        findings.add("warning", "other_task", message, fix=f"To train on them, push with `--task {sign.task}`.")


def refuse_one_class(
    folders: FolderReading, evidence: Evidence, others: list[Member], images: list[Member], masks: int
) -> None:
    """Raises Refused with the likeliest reason why no two classes were found; returns where there is none to name."""
    if folders.masks_beside or masks:
        message = "The archive holds pictures and masks of the same names, not classes."
        raise Refused("no_classes", message, "Push it with `--task segmentation`.")
    signs = list(_signs(evidence, others, images))
    if signs:
        fix = f"Push it with `--task {signs[0].task}`."
        raise Refused("no_classes", f"The folders name no two classes, but {signs[0].what}.", fix)
    for path, rows in evidence.claim.rows.items():
        missing = evidence.claim.missing.get(path, 0)
        if missing:
            message = f"{path} names classes, but {missing} of its {rows} rows name no image of the archive."
            raise Refused(
                "table_unmatched", message, "Correct the paths in it, so that they end as those of the images."
            )
    for path, why in evidence.unused.items():
        if path in evidence.unmatched:
            message = f"The folders name no two classes, and {path} could not be read: {why}."
            fix = f"Pass `--labels-from '{path}:COLUMN'`, or name its columns `filename` and `label`."
            raise Refused("table_unmatched", message, fix)
    _refuse_unread(folders, others)
    _refuse_named(images)
    if folders.splits.splits and not folders.labelled:
        splits = ", ".join(sorted({place[-1] for place in folders.splits.splits}))
        message = f"The split folders {splits} hold images, but no class folders and no table of classes."
        raise Refused("no_classes", message, "Put class folders into each of them, or add a CSV of `filename,label`.")

    if len(folders.names) > 1:
        message = f"The folders {shown(folders.names)} are named after what they hold, not after classes."
        raise Refused("no_classes", message, "If they are the classes, pass `--labels-from folders`.")


def _refuse_unread(folders: FolderReading, others: list[Member]) -> None:
    for member in others:
        if names.suffix(member.path) in _UNREAD and not folders.plausible:
            kind = names.suffix(member.path)
            message = f"The folders name no two classes; {member.path!r} may hold the labels, but .{kind} is not read."
            raise Refused("no_classes", message, "Save the labels as a CSV of `filename,label`.")


def _refuse_named(images: list[Member]) -> None:
    """Raises Refused where classes are the beginnings of file names: `cat.0.jpg`, `dog.0.jpg`."""
    begin = Counter(match[1] for member in images if (match := _NUMBERED.fullmatch(names.stem(member.path))))
    if 2 <= len(begin) <= _MOST_BEGINNINGS and min(begin.values()) > 1 and sum(begin.values()) > _MOST * len(images):
        message = f"The folders name no two classes, but file names begin with {shown(set(begin))}."
        raise Refused("no_classes", message, "Sort the images into folders, or add a CSV of `filename,label`.")


def _signs(evidence: Evidence, others: list[Member], images: list[Member]) -> Iterator[Sign]:
    stems = {names.stem(member.path) for member in images}
    for suffix, what in (("txt", "a .txt file (YOLO)"), ("xml", "an .xml file (Pascal VOC)")):
        same = {names.stem(member.path) for member in others if names.suffix(member.path) == suffix} & stems
        if len(same) >= _MOST * len(stems) and len(same) > 1:
            yield Sign(f"{len(same)} of {len(stems)} images have {what} of the same name", "detection")
    for path in evidence.boxes[:1]:
        yield Sign(f"{path} holds boxes or regions", "detection")
