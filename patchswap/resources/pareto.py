"""A model's files side by side, and the choice of one by what was measured of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from patchswap.errors import BadInput
from patchswap.resources.bound import Resource


class ParetoValue(Resource):
    value: float
    basis: Literal["measured", "estimated"]
    how: str


class ParetoPoint(Resource):
    """One export; a value is None where nothing is known."""

    export_id: str
    format: str
    precision: str
    status: Literal["queued", "running", "succeeded", "gate_failed", "failed"]
    accuracy: ParetoValue | None = None
    drop_points: ParetoValue | None = None
    bytes: ParetoValue | None = None
    latency_ms: ParetoValue | None = None
    on_front: bool


class Pareto(Resource):
    model_id: str
    device: str | None = None
    metric: str
    trained_accuracy: float | None = None
    points: tuple[ParetoPoint, ...]
    notes: tuple[str, ...] = ()

    def smallest(self, *, max_drop: float | None = None) -> ParetoPoint:
        """The file of the fewest bytes; `max_drop` in percentage points. Raises BadInput where none qualifies."""
        return self._least(lambda point: point.bytes, "size", max_drop)

    def fastest(self, *, max_drop: float | None = None) -> ParetoPoint:
        """The file of the lowest median latency. Raises BadInput where none qualifies."""
        return self._least(lambda point: point.latency_ms, "latency", max_drop)

    def _least(
        self, cost: Callable[[ParetoPoint], ParetoValue | None], what: str, max_drop: float | None
    ) -> ParetoPoint:
        """Only what was measured counts. Of equals the more accurate one."""
        fits = []
        reasons = []
        for point in self.points:
            value = cost(point)
            if reason := _unfit(point, value, what, max_drop):
                reasons.append(f"{point.export_id} ({point.format} {point.precision}) {reason}")
            elif value is not None:
                accuracy = point.accuracy.value if point.accuracy else 0.0
                fits.append((value.value, -accuracy, point.export_id, point))
        if fits:
            return min(fits)[-1]
        limit = "" if max_drop is None else f" that drops at most {max_drop:g} points"
        raise BadInput(f"{self.model_id} has no measured file{limit}: {'; '.join(reasons) or 'it has no exports'}.")


def _unfit(point: ParetoPoint, value: ParetoValue | None, what: str, max_drop: float | None) -> str | None:
    """Why a file cannot be chosen; None where it can."""
    if point.status != "succeeded":
        return f"is {point.status}"
    if value is None or value.basis != "measured":
        return f"has no measured {what}"
    if max_drop is None:
        return None
    if point.drop_points is None or point.drop_points.basis != "measured":
        return "has no measured drop"
    return f"drops {point.drop_points.value:.2f}" if point.drop_points.value > max_drop else None
