"""Rungs that cannot help, told from the int8 file that was tried: each mends one fault and none mends all."""

from contract.results.exported import Candidate
from contract.specs import Constraints, Rung


def hopeless(rung: Rung, before: list[Candidate], constraints: Constraints) -> str | None:
    """Why a rung is not worth its time; None where it may help."""
    int8 = next((candidate for candidate in before if candidate.rung == "int8" and candidate.samples), None)
    if rung == "int8" or int8 is None:
        return None
    if constraints.max_bytes is not None and (int8.model_bytes or 0) > constraints.max_bytes:
        return "Not tried: it is no smaller than the int8 file, which is too large."
    lossy = constraints.max_drop_points is not None and (int8.drop_points or 0.0) > constraints.max_drop_points
    slow = constraints.max_latency_ms is not None and (int8.latency_ms_p50 or 0.0) > constraints.max_latency_ms
    if rung == "qat" and slow:
        return "Not tried: it is no faster than the int8 file, which is too slow."
    if rung == "qat" and not lossy:
        return "Not tried: the int8 file is accurate enough."
    return None
