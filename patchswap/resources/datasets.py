"""Datasets, their versions, and what ingest found in an archive."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from patchswap.resources.bound import Bound, Resource


class Finding(Resource):
    """One thing a person should know about an archive."""

    severity: Literal["error", "warning", "info"]
    code: str
    path: str | None = None
    message: str
    fix: str | None = None


class ValidationReport(Resource):
    """What ingest found in an archive."""

    status: str
    layout: str | None = None
    accepted: int
    skipped: int
    ignored: int
    classes: int
    splits: dict[str, int]
    pairability: dict[str, Any] | None = None
    amounts: dict[str, dict[str, int]] = {}  # split -> class -> images; of masks: pixels; of boxes: boxes
    images: dict[str, dict[str, int]] = {}  # of masks and boxes: split -> class -> images that show it
    findings: tuple[Finding, ...] = ()
    counts: dict[str, int] = {}


class Twins(Resource):
    """Two pictures that look nearly the same, by their index."""

    kind: str  # leak: held out and in train; contradiction: of different classes; repeat: neither
    first: int  # of a leak the held-out one
    second: int
    similarity: float


class NearDuplicates(Resource):
    compared: int  # pictures
    pairs: dict[str, int]  # kind -> how many there are, listed or not
    leaked: dict[str, int]  # held-out split -> pictures with a twin in train
    listed: tuple[Twins, ...]


class AlikeClasses(Resource):
    """Two classes that colours and outlines of small copies hardly tell apart; `mixed` 0.5: no difference."""

    first: str
    second: str
    mixed: float


class Histogram(Resource):
    """Counts by size in pixels; each bin begins at an edge and ends before the next."""

    edges: tuple[int, ...]
    counts: tuple[int, ...]
    smallest_tenth: int
    median: int
    largest_tenth: int


class LeftOut(Resource):
    """A picture that is not in the dataset."""

    path: str
    code: str  # the finding that says why
    thumbnail: str | None = None  # a data URI


class Inspection(Resource):
    """What to look at before training."""

    near_duplicates: NearDuplicates
    alike_classes: tuple[AlikeClasses, ...] | None = None
    image_sizes: Histogram
    box_sizes: Histogram | None = None
    left_out: tuple[LeftOut, ...] = ()


class Box(Resource):
    corners: tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels
    label: int
    class_name: str


class Sample(Resource):
    """One picture of a dataset version."""

    index: int
    label: int | None = None
    class_name: str | None = None
    classes: tuple[str, ...] = ()
    split: str
    height: int
    width: int
    path: str
    image_url: str
    thumbnail_url: str
    mask_url: str | None = None
    boxes: tuple[Box, ...] | None = None


class Changes(Resource):
    """Images, by their pixels, against the version before."""

    since: int | None = None  # its number
    added: int
    removed: int
    relabelled: int
    moved: int  # to another split, with the same label
    unchanged: int


class Occurrence(Resource):
    path: str
    class_name: str | None = None
    split: str


class ChangedImage(Resource):
    change: Literal["added", "removed", "relabelled", "moved"]
    sha256: str  # of the decoded pixels
    before: Occurrence | None = None
    after: Occurrence | None = None


class Difference(Changes):
    """Two versions of one dataset."""

    since_version_id: str
    version_id: str
    version: int | None = None
    classes_added: tuple[str, ...] = ()
    classes_removed: tuple[str, ...] = ()
    images: tuple[ChangedImage, ...] = ()  # as many as were asked for


class Archive(Resource):
    """The file that was pushed."""

    bytes: int
    sha256: str
    media_type: str
    file_name: str
    url: str


class DatasetVersion(Resource):
    """One immutable pack."""

    id: str
    dataset_id: str
    number: int | None = None
    changes: Changes | None = None  # None of a first version
    status: Literal["queued", "running", "ready", "failed"]
    error: dict[str, Any] | None = None
    archive: Archive
    digest: str | None = None
    classes: tuple[str, ...] | None = None
    superclasses: dict[str, str] | None = None  # class -> super-class, where the archive names them
    counts: dict[str, dict[str, int]] | None = None
    splits: dict[str, int] | None = None  # split -> images
    reading: dict[str, Any] | None = None  # as asked for
    image_size: tuple[int, int] | None = None
    created_at: datetime


class NewestVersion(Resource):
    id: str
    number: int | None = None
    status: Literal["queued", "running", "ready", "failed"]
    error: dict[str, Any] | None = None


class Dataset(Bound):
    id: str
    name: str
    task: str
    status: Literal["ingesting", "ready", "failed"]
    latest_version_id: str | None = None
    newest_version: NewestVersion | None = None  # the one that was pushed last, ready or not
    error: dict[str, Any] | None = None
    created_at: datetime

    def wait(self, timeout_seconds: float | None = None) -> Dataset:
        """The dataset once the version is ready that was the newest. Raises DatasetUnsuccessful, WaitTimeout."""
        newest = self.newest_version.id if self.newest_version else None
        return self.client.datasets.wait(self.id, newest, timeout_seconds=timeout_seconds)

    def validation(self) -> ValidationReport:
        return self.client.datasets.validation(self.id)

    def delete(self, *, force: bool = False) -> None:
        self.client.datasets.delete(self.id, force=force)
