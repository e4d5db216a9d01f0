"""YOLO: a text file for each image, a line `class x y width height` for each box, in shares of the image's sides.

The file stands beside its image, or in labels/ as the image in images/. Lines of more pairs are polygons, whose box
is taken. An empty file means that nothing is to be seen.
"""

import numpy as np
from numpy.typing import NDArray

from ingest import names
from ingest.annotations.boxes import Faulty, StatedBoxes
from ingest.archives.members import Archive, Member
from ingest.findings import Findings
from ingest.layouts.annotated.class_names import read_class_names
from ingest.layouts.annotated.layout import Annotated, Entry, reject_unannotated
from ingest.layouts.annotated.pairing import IMAGE_ROLES, LABEL_ROLES, Key, key
from ingest.limits import Limits
from ingest.marks import Annotation
from ingest.notes import Unusable

_FIX = "Write `class x y width height`, the last four in shares of the image (0..1)."
_LARGEST_CLASS = 9_999


def read_yolo(
    archive: Archive, others: list[Member], images: list[Member], *, limits: Limits, findings: Findings
) -> Annotated | None:
    """What the text files beside the images say; None where there are none."""
    named = read_class_names(archive, others, limits, findings)
    texts = {
        key(member.path, LABEL_ROLES): member
        for member in others
        if names.suffix(member.path) == "txt" and (named is None or member.path != named.path)
    }
    paired = {texts[found].position: (member, texts[found]) for member, found in _keys(images) if found in texts}
    if not paired:
        return None
    entries = []
    num_classes = len(named.names) if named else None
    for position, content in archive.read(paired, limit=limits.annotation_bytes):
        member, text = paired[position]
        entries.append(Entry(member, names.split_in(member.path), _annotation(text.path, content, num_classes)))
    fix = "Add its text file; an empty one, if nothing is to be seen in it."
    reject_unannotated(images, {entry.member.position for entry in entries}, "text file", fix=fix, findings=findings)
    used = {text.path for _, text in paired.values()} | ({named.path} if named else set())
    return Annotated("yolo", named.names if named else None, entries, used)


def _keys(images: list[Member]) -> list[tuple[Member, Key]]:
    return [(member, key(member.path, IMAGE_ROLES)) for member in images]


def _annotation(path: str, content: bytes, num_classes: int | None) -> Annotation:
    corners, labels = [], []
    try:
        for number, line in enumerate(content.decode("utf-8-sig").splitlines(), start=1):
            if words := line.split():
                label, box = _box(f"{path} line {number}", words, num_classes)
                corners.append(box)
                labels.append(label)
    except UnicodeDecodeError:
        return Faulty(Unusable("annotation_unreadable", f"its annotation {path!r} is no text", _FIX))
    except Unusable as unusable:
        return Faulty(unusable)
    return StatedBoxes(np.array(corners, np.float64).reshape(-1, 4), np.array(labels, np.int32), relative=True)


def _box(where: str, words: list[str], num_classes: int | None) -> tuple[int, NDArray[np.float64]]:
    """Class and corners of one line. Raises Unusable."""
    if len(words) < 5 or (len(words) > 5 and (len(words) < 7 or len(words) % 2 == 0)):
        raise Unusable("box_malformed", f"{where} has {len(words)} values", _FIX)
    try:
        label, values = float(words[0]), np.array([float(word) for word in words[1:]], np.float64)
    except ValueError as error:
        raise Unusable("box_malformed", f"{where} holds something else than numbers", _FIX) from error
    if not label.is_integer() or not 0 <= label <= _LARGEST_CLASS or (num_classes and label >= num_classes):
        last = (num_classes or _LARGEST_CLASS + 1) - 1
        message = f"{where} is of the class {words[0][:50]}, but the classes are 0..{last}"
        raise Unusable("class_out_of_range", message, "Correct the class, or name every class in data.yaml.")
    if len(values) > 4:
        points = values.reshape(-1, 2)
        return int(label), np.concatenate([points.min(axis=0), points.max(axis=0)])
    middle, half = values[:2], values[2:] / 2
    return int(label), np.concatenate([middle - half, middle + half])
