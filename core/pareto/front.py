"""A model's exports by accuracy, bytes and latency, each value measured or estimated, and which no other beats.

Measured is what was measured on the very file. Anything else that stands in for it is estimated and says by what.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, cast

from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from contract.results.selection import published_arm
from contract.tasks import TERMS, TaskName
from core.exports import devices, profiles
from core.tables import Export, Model

MOST_EXPORTS = 500  # of a model, the newest; a front is made by comparing each with each
_BYTES_A_WEIGHT = {"fp32": 4, "fp16": 2, "int8": 1}
_PENDING = ("queued", "running")


class ParetoValue(BaseModel):
    value: float
    basis: Literal["measured", "estimated"]
    how: str = Field(description="On what, or from what.")


class ParetoPoint(BaseModel):
    """One export. A value is null where nothing is known."""

    export_id: str
    format: str
    precision: str
    status: Literal["queued", "running", "succeeded", "gate_failed", "failed"]
    accuracy: ParetoValue | None = Field(description="A fraction, by the metric of the task.")
    drop_points: ParetoValue | None = Field(description="Percentage points below the trained network.")
    bytes: ParetoValue | None = Field(description="Limit on the bytes of the model file.")
    latency_ms: ParetoValue | None = Field(description="Median of single images.")
    on_front: bool = Field(description="It can be downloaded, and no other file is at least as good in all three.")


class Pareto(BaseModel):
    model_id: str
    device: str | None = Field(description="Whose accuracy and latency these are; null: of the exports' own workers.")
    metric: str
    trained_accuracy: float | None = Field(description="Of the network that the files were made from.")
    points: list[ParetoPoint] = Field(description="Smallest first; files of unknown size last.")
    notes: list[str]


def read(session: Session, model: Model, device: str | None = None) -> Pareto:
    """The model's exports as they are now; with a device, by what was measured there. Raises DeviceUnknown."""
    newest = select(Export).where(Export.model_id == model.id).order_by(Export.id.desc()).limit(MOST_EXPORTS + 1)
    exports = list(session.scalars(newest))
    notes = [f"Only the newest {MOST_EXPORTS} exports are compared."] if len(exports) > MOST_EXPORTS else []
    if device is None:
        return build(model, exports[:MOST_EXPORTS], notes)
    if not (profiled := profiles.newest(session, model.id, device)):
        devices.require(session, model.tenant_id, device)  # nothing measured there, nor anything that could
    return build(model, exports[:MOST_EXPORTS], notes, On(device, profiled))


@dataclass(frozen=True)
class On:
    """A device, and what was measured there of each export."""

    device: str
    measured: Mapping[str, Mapping[str, Any]]


def build(model: Model, exports: Sequence[Export], notes: Sequence[str] = (), on: On | None = None) -> Pareto:
    metric = TERMS[cast("TaskName", model.task)].headline
    trained = _trained(model, metric)
    points = [_point(export, model, metric, trained) for export in exports]
    if on is not None:
        _move(points, exports, metric, on)
    _mark_front([point for point in points if point.status == "succeeded"])
    points.sort(key=lambda point: (point.bytes is None, point.bytes.value if point.bytes else 0, point.export_id))
    return Pareto(
        model_id=model.id,
        device=on.device if on else None,
        metric=metric,
        trained_accuracy=trained,
        points=points,
        notes=[*notes, *(() if on else _processors(exports))],
    )


def _move(points: Sequence[ParetoPoint], exports: Sequence[Export], metric: str, on: On) -> None:
    """Accuracy and latency as on the device. Where a file was not run there, its latency is told by the others'."""
    ratio = _slowness(exports, on)
    for point in points:
        there = on.measured.get(point.export_id, {})
        where = f"the file, on {on.device} ({there.get('cpu') or 'unknown processor'})"
        for name, key in (("accuracy", metric), ("drop_points", "drop_points"), ("latency_ms", "latency_ms_p50")):
            if there.get(key) is not None:
                setattr(point, name, ParetoValue(value=there[key], basis="measured", how=where))
            elif name == "latency_ms":
                point.latency_ms = _elsewhere(point.latency_ms, ratio, on.device)


def _slowness(exports: Sequence[Export], on: On) -> float | None:
    """How many times as long files take on the device, the median; None where nothing was run there."""
    key = "latency_ms_p50"
    ratios = [
        on.measured[export.id][key] / export.measured[key]
        for export in exports
        if export.measured and export.measured.get(key) and on.measured.get(export.id, {}).get(key)
    ]
    return median(ratios) if ratios else None


def _elsewhere(latency: ParetoValue | None, ratio: float | None, device: str) -> ParetoValue | None:
    if latency is None or ratio is None:
        return None
    how = f"{ratio:.2f} times that of the export's worker, as other files of the model on {device}; not run there"
    return ParetoValue(value=latency.value * ratio, basis="estimated", how=how)


def _trained(model: Model, metric: str) -> float | None:
    trained = model.evaluation[published_arm(model.evaluation)]
    figures = trained["splits"].get(trained["evaluation_split"])
    return None if figures is None else figures.get(metric)


def _point(export: Export, model: Model, metric: str, trained: float | None) -> ParetoPoint:
    values = _measured(export, metric) if export.measured else _expected(export, model, trained)
    said = {"export_id": export.id} | {name: getattr(export, name) for name in ("format", "precision", "status")}
    found = {name: values.get(name) for name in ("accuracy", "drop_points", "bytes", "latency_ms")}
    return ParetoPoint.model_validate(said | found | {"on_front": False})


def _measured(export: Export, metric: str) -> dict[str, ParetoValue]:
    said: Mapping[str, Any] = export.measured or {}
    where = {
        "accuracy": (metric, "the file, on the held-out split"),
        "drop_points": ("drop_points", "the file against the trained network, on the held-out split"),
        "bytes": ("model_bytes", "the file"),
        "latency_ms": ("latency_ms_p50", f"the file, on {said.get('cpu') or 'a worker'}, one thread, one image"),
    }
    return {
        name: ParetoValue(value=said[key], basis="measured", how=how)
        for name, (key, how) in where.items()
        if said.get(key) is not None
    }


def _expected(export: Export, model: Model, trained: float | None) -> dict[str, ParetoValue]:
    """Of a file that is still to be made. Nobody can tell its latency before it runs."""
    found: dict[str, ParetoValue] = {}
    if export.status not in _PENDING:
        return found
    if trained is not None:
        how = "the trained network's; the file was not run yet"
        found["accuracy"] = ParetoValue(value=trained, basis="estimated", how=how)
    if export.precision in _BYTES_A_WEIGHT:
        size = _BYTES_A_WEIGHT[export.precision]
        how = f"{model.parameters:,} parameters of {size} bytes; the file was not written yet"
        found["bytes"] = ParetoValue(value=model.parameters * size, basis="estimated", how=how)
    return found


def _mark_front(points: Sequence[ParetoPoint]) -> None:
    whole = [(point, coordinates) for point in points if (coordinates := _coordinates(point)) is not None]
    for point, mine in whole:
        point.on_front = not any(_beats(other, mine) for _, other in whole)


def _coordinates(point: ParetoPoint) -> tuple[float, float, float] | None:
    """The smaller the better, each; None where one of them is unknown."""
    if point.accuracy is None or point.bytes is None or point.latency_ms is None:
        return None
    return -point.accuracy.value, point.bytes.value, point.latency_ms.value


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(mine <= its for mine, its in zip(one, other, strict=True))


def _processors(exports: Sequence[Export]) -> list[str]:
    """Latencies of two machines are no order of files."""
    names = sorted({(export.measured or {}).get("cpu") or "" for export in exports if export.measured} - {""})
    if len(names) < 2:
        return []
    return [f"Latencies were measured on different processors ({', '.join(names)}) and cannot be compared."]
