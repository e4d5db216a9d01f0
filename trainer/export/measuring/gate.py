"""Whether a measured file keeps what the customer asked of it."""

from typing import Any

from contract.results.exported import ExportWarning
from contract.specs import Constraints

ALARMING_DROP_POINTS = 1.0  # lost for sure, of a file of which no limit was asked


def violations(constraints: Constraints, measured: dict[str, Any], *, metric: str = "top-1 accuracy") -> list[str]:
    """One sentence for each constraint that does not hold. `metric` is the headline figure as people read it."""
    if not measured["run_here"]:
        return _unmeasured(constraints) + _too_large(constraints, measured["model_bytes"])
    drop, latency = measured["drop_points"], measured["latency_ms_p50"]
    found = []
    if constraints.max_drop_points is not None and drop > constraints.max_drop_points:
        found.append(
            f"The file is {drop:.2f} points of {metric} below the trained network{_basis(measured)}; "
            f"{constraints.max_drop_points:g} are allowed."
        )
    found += _too_large(constraints, measured["model_bytes"])
    if constraints.max_latency_ms is not None and latency > constraints.max_latency_ms:
        found.append(
            f"The median latency is {latency:.3f} ms on {measured['cpu']}, one thread; "
            f"{constraints.max_latency_ms:g} ms are allowed."
        )
    return found


def within_noise(constraints: Constraints, measured: dict[str, Any]) -> bool:
    """Whether the measured drop is too large, but by so little that the images cannot tell it from one that is not."""
    limit, interval = constraints.max_drop_points, measured.get("drop_interval_points")
    return limit is not None and interval is not None and interval[0] <= limit < measured["drop_points"]


def warnings(constraints: Constraints, measured: dict[str, Any], *, metric: str) -> list[ExportWarning]:
    """What is to be known of a file that breaks nothing that was asked."""
    limit, interval = constraints.max_drop_points, measured.get("drop_interval_points")
    if interval is None:
        return []
    if limit is None and interval[0] > ALARMING_DROP_POINTS:
        message = (
            f"This file is {measured['drop_points']:.2f} points of {metric} below the trained network"
            f"{_basis(measured)}. No limit was set. Export with max_drop_points to look for a better file, "
            "or use the fp32 file."
        )
        return [ExportWarning(code="accuracy_lost", message=message)]
    if limit is not None and measured["drop_points"] <= limit < interval[1]:
        message = (
            f"The measured drop is {measured['drop_points']:.2f} points of {metric}{_basis(measured)}. The limit is "
            f"{limit:g}, but these images are too few to show that it holds.{_promise(measured)}"
        )
        return [ExportWarning(code="drop_not_shown", message=message)]
    return []


def _basis(measured: dict[str, Any]) -> str:
    """What a drop is worth; nothing of a file that was compared with no other."""
    if "drop_interval_points" not in measured:
        return ""
    low, high = measured["drop_interval_points"]
    return f" (95 % interval {low:.2f} to {high:.2f} on {measured['samples']:,} images)"


def _promise(measured: dict[str, Any]) -> str:
    least = measured["least_drop_shown_points"]
    return "" if least is None else f" {measured['samples']:,} images can show a limit of {least:.2f} points at best."


def _too_large(constraints: Constraints, size: int) -> list[str]:
    if constraints.max_bytes is None or size <= constraints.max_bytes:
        return []
    return [f"The model file has {size:,} bytes; {constraints.max_bytes:,} are allowed."]


def _unmeasured(constraints: Constraints) -> list[str]:
    """A constraint that nobody looked at does not hold."""
    asked = {"max_drop_points": constraints.max_drop_points, "max_latency_ms": constraints.max_latency_ms}
    return [
        f"The file cannot be run on a worker, so {name} could not be looked at; ask without it, or for another format."
        for name, limit in asked.items()
        if limit is not None
    ]
