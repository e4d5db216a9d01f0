"""Images with equal pixels: copies that would make held-out figures too good, and copies that disagree on the class."""

import numpy as np
from numpy.typing import NDArray

from contract.pack.manifest import Split
from ingest.findings import LISTED_PER_CODE, Findings
from ingest.images import miniatures
from ingest.packing.splits import LEFT_OUT, Splits
from ingest.packing.staging import Columns, Staging

Group = NDArray[np.intp]  # for each image, the number of its pixels' digest


def drop_leaks(columns: Columns, splits: Splits, staging: Staging, findings: Findings) -> Splits:
    """Of copies in several splits only those in the most held-out one stay: test before val before train."""
    digests, group = np.unique(columns.sha256, return_inverse=True)
    _tell_conflicts(columns, group, staging, findings)
    _tell_copies(splits, group, len(digests), staging, findings)
    strictest = np.full(len(digests), Split.TRAIN, np.int8)
    np.maximum.at(strictest, group, splits)
    leaking = np.flatnonzero(splits < strictest[group])
    for index in leaking.tolist():
        if findings.counts["duplicate_across_splits"] >= LISTED_PER_CODE:
            findings.counts["duplicate_across_splits"] += len(leaking) - LISTED_PER_CODE
            break
        kept, left = Split(strictest[group[index]]).name.lower(), Split(splits[index]).name.lower()
        message = f"The same pixels are in {kept}; the copy in {left} was left out, to keep figures honest."
        path = staging.path(index)
        findings.add("warning", "duplicate_across_splits", message, path=path)
        findings.show_missing(path, "duplicate_across_splits", _shown(columns, staging, index))
    findings.skipped += len(leaking)
    cleaned = splits.copy()
    cleaned[leaking] = LEFT_OUT
    return cleaned


def _shown(columns: Columns, staging: Staging, index: int) -> bytes:
    size = (int(columns.height[index]), int(columns.width[index]), int(columns.channels[index]))
    return staging.thumbnail(index) or miniatures.of_stored(staging.read(index)[0], *size)


def _tell_conflicts(columns: Columns, group: Group, staging: Staging, findings: Findings) -> None:
    said: NDArray[np.generic] = columns.label if columns.marks_sha256 is None else columns.marks_sha256
    order = np.lexsort((said, group))
    same = group[order][1:] == group[order][:-1]
    other = said[order][1:] != said[order][:-1]
    conflicts = np.flatnonzero(same & other)
    for at in conflicts[:LISTED_PER_CODE].tolist():
        first, second = int(order[at]), int(order[at + 1])
        message = f"The same pixels as {staging.path(first)!r}, which is {_said_of(columns, first, second)}."
        fix = "Correct the label, or remove one."
        findings.add("warning", "conflicting_labels", message, path=staging.path(second), fix=fix)
    if len(conflicts) > LISTED_PER_CODE:
        findings.counts["conflicting_labels"] += len(conflicts) - LISTED_PER_CODE


def _said_of(columns: Columns, first: int, second: int) -> str:
    if columns.marks_sha256 is not None:
        return "annotated otherwise"
    one, other = (columns.classes[columns.label[index]] for index in (first, second))
    return f"{one!r}, but labelled {other!r}"


def _tell_copies(splits: Splits, group: Group, digests: int, staging: Staging, findings: Findings) -> None:
    """Copies within a split do no harm but count twice."""
    place = group * len(Split) + splits
    counts = np.bincount(place, minlength=digests * len(Split))
    surplus = int((counts - 1).clip(0).sum())
    if surplus:
        example = staging.path(int(np.flatnonzero(counts[place] > 1)[0]))
        message = f"{surplus} images are copies of others in the same split; each was kept."
        findings.add("info", "duplicate_images", message, path=example)
