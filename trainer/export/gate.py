"""Whether a measured file keeps what the customer asked of it."""

from typing import Any

from core.spec import Constraints


def violations(constraints: Constraints, measured: dict[str, Any]) -> list[str]:
    """One sentence for each constraint that does not hold."""
    drop, size, latency = measured["drop_points"], measured["model_bytes"], measured["latency_ms_p50"]
    found = []
    if constraints.max_drop_points is not None and drop > constraints.max_drop_points:
        found.append(
            f"The file is {drop:.2f} percentage points less accurate than the trained network; "
            f"{constraints.max_drop_points:g} are allowed."
        )
    if constraints.max_bytes is not None and size > constraints.max_bytes:
        found.append(f"The model file has {size:,} bytes; {constraints.max_bytes:,} are allowed.")
    if constraints.max_latency_ms is not None and latency > constraints.max_latency_ms:
        found.append(
            f"The median latency is {latency:.3f} ms on {measured['cpu']}, one thread; "
            f"{constraints.max_latency_ms:g} ms are allowed."
        )
    return found
