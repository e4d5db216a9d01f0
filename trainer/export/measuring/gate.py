"""Whether a measured file keeps what the customer asked of it."""

from typing import Any

from contract.specs import Constraints


def violations(constraints: Constraints, measured: dict[str, Any], *, metric: str = "top-1 accuracy") -> list[str]:
    """One sentence for each constraint that does not hold. `metric` is the headline figure as people read it."""
    if not measured["run_here"]:
        return _unmeasured(constraints) + _too_large(constraints, measured["model_bytes"])
    drop, latency = measured["drop_points"], measured["latency_ms_p50"]
    found = []
    if constraints.max_drop_points is not None and drop > constraints.max_drop_points:
        found.append(
            f"The file is {drop:.2f} points of {metric} below the trained network; "
            f"{constraints.max_drop_points:g} are allowed."
        )
    found += _too_large(constraints, measured["model_bytes"])
    if constraints.max_latency_ms is not None and latency > constraints.max_latency_ms:
        found.append(
            f"The median latency is {latency:.3f} ms on {measured['cpu']}, one thread; "
            f"{constraints.max_latency_ms:g} ms are allowed."
        )
    return found


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
