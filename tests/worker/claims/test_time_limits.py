"""What a job may still use."""

from __future__ import annotations

import pytest

from contract.specs.limits import LimitsSpec
from core.jobs.spent import Spent
from worker.claims.time_limits import TimeLimits


@pytest.mark.parametrize(
    ("limits", "seconds", "device_seconds", "over"),
    [
        ({}, 1e9, 1e9, None),
        ({"max_seconds": 100}, 59, 1e9, None),
        ({"max_seconds": 100}, 60, 0, "max_seconds"),
        ({"max_device_seconds": 100}, 1e9, 69, None),
        ({"max_device_seconds": 100}, 0, 70, "max_device_seconds"),
        ({"max_seconds": 100, "max_device_seconds": 100}, 10, 70, "max_device_seconds"),
    ],
)
def test_what_earlier_attempts_spent_counts(
    limits: dict[str, int], seconds: float, device_seconds: float, over: str | None
):
    kept = TimeLimits(LimitsSpec(**limits), Spent(40, 30))
    assert kept.exceeded(seconds, device_seconds) == (over is not None)
    if over:
        assert f"`limits.{over}`, 100 s, at step 7 of 20" in kept.error({"step": 7, "steps": 20}).message
