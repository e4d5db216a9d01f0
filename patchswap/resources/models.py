"""Trained networks and the files made of them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from patchswap.resources.bound import Bound, Resource
from patchswap.resources.pareto import Pareto

ENDED_EXPORT: frozenset[str] = frozenset({"succeeded", "gate_failed", "failed"})


class Export(Bound):
    id: str
    model_id: str
    format: str
    precision: str
    status: Literal["queued", "running", "succeeded", "gate_failed", "failed"]
    bytes: int | None = None  # of the bundle
    sha256: str | None = None
    measured: dict[str, Any] | None = None
    rung: str | None = None  # of the ladder, where one was climbed
    candidates: tuple[dict[str, Any], ...] = ()  # all that it tried, with what was measured
    violations: tuple[str, ...] = ()
    warnings: tuple[dict[str, str], ...] = ()  # code and message: what to know of a file that may be used
    constraints: dict[str, float | None] = {}
    error: dict[str, Any] | None = None
    created_at: datetime

    def wait(self, timeout_seconds: float | None = None) -> Export:
        """The export once it succeeded or its gate failed. Raises ExportUnsuccessful, WaitTimeout."""
        return self.client.exports.wait(self.id, timeout_seconds=timeout_seconds)

    def download(self, path: Path | str) -> Path:
        return self.client.exports.download(self.id, path)


class ExportFormat(Resource):
    name: str
    status: Literal["available", "missing_dependency"]
    precisions: tuple[str, ...]
    files: str
    versions: dict[str, str | None]
    install: str  # the line that brings what is missing
    description: str


class Profile(Bound):
    """An exported file measured again, on a device."""

    id: str
    model_id: str
    export_id: str
    device: str | None = None
    status: Literal["queued", "running", "succeeded", "failed"]
    measured: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    created_at: datetime

    def wait(self, timeout_seconds: float | None = None) -> Profile:
        """The profile once it was measured. Raises ProfileUnsuccessful, WaitTimeout."""
        return self.client.profiles.wait(self.id, timeout_seconds=timeout_seconds)


class Device(Resource):
    """A name that a worker measures under."""

    name: str
    online: bool
    worker: str
    last_seen_at: datetime


class SigningKey(Resource):
    algorithm: str
    key_id: str
    public_key: str  # base64
    pem: str


class Prediction(Resource):
    """What an exported file says of an image, by the task of its model; what another task would say is left empty.

    Classification: `label`, `probability` and `top`, best first. Segmentation: `classes` by their share of the image,
    `mask`, a PNG in base64 of numbers into `labels`. Detection: `detections`, the surest first, boxes in pixels.
    """

    model_id: str
    export_id: str
    format: str
    precision: str
    task: str
    label: str | None = None
    probability: float | None = None
    top: tuple[dict[str, Any], ...] = ()
    image_size: tuple[int, int] | None = None  # height, width
    classes: tuple[dict[str, Any], ...] = ()
    labels: tuple[str, ...] = ()
    mask: str | None = None
    detections: tuple[dict[str, Any], ...] = ()
    latency_ms: dict[str, float]


class BatchPrediction(Bound):
    """A model asked about the images of a dataset version."""

    id: str
    model_id: str
    dataset_version_id: str
    status: Literal["queued", "running", "succeeded", "failed"]
    images: int | None = None
    bytes: int | None = None  # of the rows as Parquet
    sha256: str | None = None
    error: dict[str, Any] | None = None
    created_at: datetime

    def wait(self, timeout_seconds: float | None = None) -> BatchPrediction:
        """The prediction once its rows are there. Raises PredictionUnsuccessful, WaitTimeout."""
        found: BatchPrediction = self.client.predictions.wait(self.id, timeout_seconds=timeout_seconds)
        return found

    def delete(self) -> None:
        """With its rows; one that is queued or running ends."""
        self.client.predictions.delete(self.id)

    def save(self, path: Path | str) -> Path:
        """The rows as .parquet, .csv or .ndjson."""
        saved: Path = self.client.predictions.save(self.id, path)
        return saved


class JudgedImage(Resource):
    """What a network said of a held-out image. What its task does not have is empty."""

    task: str
    index: int  # in the dataset version
    split: str
    path: str
    error: bool | None = None  # None where there is nothing to judge by
    probability: float | None = None
    loss: float | None = None
    image_url: str
    thumbnail_url: str
    label: str | None = None
    predicted: str | None = None
    label_probability: float | None = None
    mean_iou: float | None = None
    pixel_accuracy: float | None = None
    boundary_f: float | None = None
    classes: tuple[dict[str, Any], ...] = ()
    mask_url: str | None = None
    matched: int | None = None
    missed: int | None = None
    spurious: int | None = None
    found: tuple[dict[str, Any], ...] = ()
    truth: tuple[dict[str, Any], ...] = ()


class SuspectedLabel(Resource):
    """A picture whose label a trained network contradicts."""

    index: int
    split: str
    path: str
    label: str
    suggested: str
    label_probability: float
    suggested_probability: float
    thumbnail_url: str


class SuspectedLabels(Resource):
    """Labels that confident learning suspects, the most suspect first; at most 100 in each list."""

    model_id: str
    dataset_version_id: str
    images: dict[str, int]  # split -> pictures that were looked at
    found: dict[str, int]  # held_out, train -> how many are suspect
    held_out: tuple[SuspectedLabel, ...]  # judged by a network that did not learn from them
    train: tuple[SuspectedLabel, ...]


class Headline(Resource):
    """What a model of its task is judged by: top1_accuracy, mean_iou or ap, a fraction."""

    metric: str
    value: float


class Model(Bound):
    """A trained network."""

    id: str
    job_id: str
    name: str
    task: str
    architecture: str
    method: str
    parameters: int
    macs: int
    headline: Headline | None = None  # on the held-out images
    top1_accuracy: float | None = None
    mean_iou: float | None = None
    ap: float | None = None
    ap50: float | None = None
    weights: dict[str, Any] = {}  # bytes and sha256 of the trained float weights
    report: dict[str, Any] | None = None  # bytes and sha256; None for models older than reports
    created_at: datetime

    def exports(self) -> tuple[Export, ...]:
        """Oldest first."""
        return self.client.models.exports(self.id)

    def pareto(self, *, device: str | None = None) -> Pareto:
        return self.client.models.pareto(self.id, device=device)

    def predict(
        self,
        image: Path | str | bytes,
        *,
        export: str | None = None,
        top: int | None = None,
        threshold: float | None = None,
    ) -> Prediction:
        return self.client.models.predict(self.id, image, export=export, top=top, threshold=threshold)

    def save_report(self, path: Path | str) -> Path:
        return self.client.models.report(self.id, path)

    def pull(self, target: Path | str, *, precision: str = "fp32", format: str = "onnx", replace: bool = False) -> Path:  # noqa: A002
        return self.client.models.pull(self.id, target, precision=precision, format=format, replace=replace)
