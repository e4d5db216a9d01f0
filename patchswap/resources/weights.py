"""Pretrained weights: built in, or pushed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from patchswap.resources.bound import Bound, Resource


class WeightsReport(Resource):
    """How the tensors of a file fit the network; its head is in none of these."""

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    reshaped: tuple[str, ...]


class Weights(Bound):
    id: str
    name: str
    built_in: bool
    status: Literal["queued", "running", "ready", "failed", "not_installed"]
    architecture: str
    task: str
    classes: tuple[str, ...] | None = None
    num_classes: int | None = None
    channels: int | None = None
    stem: str | None = None
    input: dict[str, Any]
    licence: str
    source: str
    sha256: str | None = None
    bytes: int | None = None
    report: WeightsReport | None = None
    error: dict[str, Any] | None = None
    created_at: datetime | None = None  # None: built in

    def wait(self, timeout_seconds: float | None = None) -> Weights:
        """The weights once they are ready. Raises WeightsUnsuccessful, WaitTimeout."""
        return self.client.weights.wait(self.id, timeout_seconds=timeout_seconds)

    def delete(self) -> None:
        self.client.weights.delete(self.id)
