"""Signs that an archive holds boxes or masks though it is read for classes, and the refusals that name them."""

from collections.abc import Iterator
from typing import NamedTuple

from ingest import names
from ingest.archives.members import Member
from ingest.findings import Findings, Refused
from ingest.layouts import unread_kinds
from ingest.layouts.evidence import Evidence
from ingest.layouts.file_names import ASK, NameReading
from ingest.layouts.folders import FolderReading, shown
from ingest.layouts.recurring import called_after_parts

_SPEAKING = frozenset({"csv", "tsv", "json", "jsonl", "ndjson", "txt", "lst", "xml"})
_ABOUT = ("readme", "license", "licence", "requirements", "changelog", "citation", "sample_submission")
_AS_TABLE = "Save the labels as a CSV of `filename,label`, a row for each image."
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


def refuse_one_class(folders: FolderReading, named: NameReading, other_evidence: Refused | None) -> None:
    """Raises Refused with the likeliest reason why no two classes were found; returns where there is none to name."""
    parts = len(folders.names) > 1 and called_after_parts(folders.names)
    refused = other_evidence or (None if parts else _by_name_alone(named)) or _without_classes(folders)
    if refused is None:
        return
    if parts and refused is other_evidence:
        fix = f"{refused.fix} If the folders {shown(folders.names)} are the classes, pass `--labels-from folders`."
        raise Refused(refused.code, refused.message, fix)
    if refused is other_evidence and named.possible:
        fix = f"{refused.fix} If the file names begin with the classes, {named.shown}, {ASK}."
        refused = Refused(refused.code, refused.message, fix)
    raise refused


def other_evidence(
    folders: FolderReading, evidence: Evidence, others: list[Member], images: list[Member], masks: int
) -> Refused | None:
    """Why an archive whose folders name no classes is probably not one of classes, or names them elsewhere."""
    if folders.masks_beside or masks:
        message = "The archive holds pictures and masks of the same names, not classes."
        return Refused("no_classes", message, "Push it with `--task segmentation`.")
    if evidence.word_beside:
        path, word = evidence.word_beside
        message = f"The folders name fewer than two classes. {path!r}, which has the name of an image, holds {word!r}; "
        message += "labels in a text file for each image are not read."
        return Refused("no_classes", message, _AS_TABLE)
    signs = list(_signs(evidence, others, images))
    if signs:
        fix = f"Push it with `--task {signs[0].task}`."
        return Refused("no_classes", f"The folders name fewer than two classes, but {signs[0].what}.", fix)
    for path, rows in evidence.claim.rows.items():
        missing = evidence.claim.missing.get(path, 0)
        if missing:
            message = f"{path} names classes, but {missing} of its {rows} rows name no image of the archive: it says "
            message += f"{evidence.claim.example.get(path, '')!r}, an image is {images[0].path!r}."
            fix = "Correct the names in it, so that they end as those of the images."
            return Refused("table_unmatched", message, fix)
    for path, why in evidence.unused.items():
        if path in evidence.unmatched:
            message = f"The folders name fewer than two classes, and {path} could not be read: {why}."
            fix = f"Pass `--labels-from '{path}:COLUMN'`, or name its columns `filename` and `label`."
            return Refused("table_unmatched", message, fix)
    return _unread(folders, evidence, others)


def _without_classes(folders: FolderReading) -> Refused | None:
    if folders.splits.splits and not folders.labelled:
        splits = ", ".join(sorted({place[-1] for place in folders.splits.splits}))
        message = f"The split folders {splits} hold images, but no class folders and no table of classes."
        return Refused("no_classes", message, "Put class folders into each of them, or add a CSV of `filename,label`.")
    if len(folders.names) > 1:
        message = f"The folders {shown(folders.names)} are named after what they hold, not after classes."
        return Refused("no_classes", message, "If they are the classes, pass `--labels-from folders`.")
    return None


def _unread(folders: FolderReading, evidence: Evidence, others: list[Member]) -> Refused | None:
    """Files that may hold the labels, but are of kinds or structures that are not read."""
    if folders.plausible:
        return None
    if refused := unread_kinds.refusal(others, "The folders name fewer than two classes.", "no_classes"):
        return refused
    known = evidence.used | evidence.layouts.keys()
    spoken = [m.path for m in others if names.suffix(m.path) in _SPEAKING and m.path not in known]
    spoken = [path for path in spoken if not names.stem(path).lower().startswith(_ABOUT)]
    if not spoken:
        return None
    message = (
        f"The folders name fewer than two classes, and nothing in {spoken[0]!r} was understood as the labels of images."
    )
    if len(spoken) > 1:
        message += f" So it is with {len(spoken) - 1} more files."
    return Refused("no_classes", message, _AS_TABLE)


def _by_name_alone(named: NameReading) -> Refused | None:
    """Names that could be classes, but do not look like it clearly enough to be taken for them."""
    if not named.counts or len(named.labelled) <= _MOST * (len(named.labelled) + len(named.nameless)):
        return None
    message = f"The folders name fewer than two classes. File names begin with {named.shown}."
    if len(named.counts) < 2:
        fix = "Sort the images into folders, one for each class, or add a CSV of `filename,label`."
    else:
        fix = f"If these are the classes, {ASK}; else sort the images into folders, or add a CSV of `filename,label`."
    return Refused("no_classes", message, fix)


def _signs(evidence: Evidence, others: list[Member], images: list[Member]) -> Iterator[Sign]:
    stems = {names.stem(member.path) for member in images}
    for suffix, what in (("txt", "a .txt file (YOLO)"), ("xml", "an .xml file (Pascal VOC)")):
        if suffix == "txt" and evidence.word_beside:
            continue
        same = {names.stem(member.path) for member in others if names.suffix(member.path) == suffix} & stems
        if len(same) >= _MOST * len(stems) and len(same) > 1:
            yield Sign(f"{len(same)} of {len(stems)} images have {what} of the same name", "detection")
    for path in evidence.boxes[:1]:
        yield Sign(f"{path} holds boxes or regions", "detection")
