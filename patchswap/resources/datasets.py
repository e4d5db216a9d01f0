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


class DatasetVersion(Resource):
    """One immutable pack."""

    id: str
    dataset_id: str
    status: Literal["queued", "running", "ready", "failed"]
    digest: str | None = None
    classes: tuple[str, ...] | None = None
    superclasses: dict[str, str] | None = None  # class -> super-class, where the archive names them
    counts: dict[str, dict[str, int]] | None = None
    reading: dict[str, Any] | None = None  # as asked for
    image_size: tuple[int, int] | None = None
    created_at: datetime


class Dataset(Bound):
    id: str
    name: str
    task: str
    status: Literal["ingesting", "ready", "failed"]
    latest_version_id: str | None = None
    error: dict[str, Any] | None = None
    created_at: datetime

    def wait(self, timeout_seconds: float | None = None) -> Dataset:
        """The dataset once it is ready. Raises DatasetUnsuccessful, WaitTimeout."""
        return self.client.datasets.wait(self.id, timeout_seconds=timeout_seconds)

    def validation(self) -> ValidationReport:
        return self.client.datasets.validation(self.id)

    def delete(self) -> None:
        self.client.datasets.delete(self.id)
