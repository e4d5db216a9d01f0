"""The choice of a file by what was measured of it."""

from __future__ import annotations

from typing import Any

import pytest

from patchswap.errors import BadInput
from patchswap.resources import Pareto


def value(number: float, basis: str = "measured") -> dict[str, Any]:
    return {"value": number, "basis": basis, "how": "somehow"}


def point(
    name: str, size: float, latency: float, drop: float, status: str = "succeeded", **over: Any
) -> dict[str, Any]:
    return {
        "export_id": name,
        "format": "onnx",
        "precision": "int8",
        "status": status,
        "accuracy": value(0.9 - drop / 100),
        "drop_points": value(drop),
        "bytes": value(size),
        "latency_ms": value(latency),
        "on_front": True,
    } | over


def pareto(*points: dict[str, Any]) -> Pareto:
    return Pareto.model_validate({"model_id": "model_1", "metric": "top1_accuracy", "points": points, "notes": []})


SOME = pareto(
    point("tiny", 10, 3, 5),
    point("small", 20, 9, 0.5),
    point("quick", 40, 1, 0.9),
    point("broken", 1, 0.1, 0, status="gate_failed"),
    point("coming", 1, 1, 0, status="queued", latency_ms=None, bytes=value(1, "estimated")),
)


def test_smallest_and_fastest_are_chosen_among_what_may_be_loaded():
    assert SOME.smallest().export_id == "tiny"
    assert SOME.smallest(max_drop=1).export_id == "small"
    assert SOME.fastest().export_id == "quick"
    assert SOME.fastest(max_drop=0.5).export_id == "small"


def test_of_equals_the_more_accurate_is_chosen():
    assert pareto(point("a", 10, 1, 2), point("b", 10, 1, 1)).smallest().export_id == "b"


def test_no_file_that_qualifies_is_told_with_the_reason_for_each():
    with pytest.raises(BadInput, match=r"no measured file that drops at most 0\.1 points") as told:
        SOME.smallest(max_drop=0.1)
    for reason in ("tiny (onnx int8) drops 5.00", "broken (onnx int8) is gate_failed", "coming (onnx int8) is queued"):
        assert reason in str(told.value)
    with pytest.raises(BadInput, match="it has no exports"):
        pareto().fastest()


def test_what_was_only_estimated_is_not_chosen():
    guessed = pareto(point("a", 1, 1, 0, latency_ms=value(1, "estimated"), drop_points=value(0, "estimated")))
    with pytest.raises(BadInput, match="has no measured latency"):
        guessed.fastest()
    with pytest.raises(BadInput, match="has no measured drop"):
        guessed.smallest(max_drop=1)
    assert guessed.smallest().export_id == "a"
