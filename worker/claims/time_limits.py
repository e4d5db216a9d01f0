"""What a job may still use: its limits, less what earlier attempts spent."""

from typing import Any

from contract.child.messages import JobError
from contract.specs.limits import LimitsSpec
from core.jobs.spent import Spent


class TimeLimits:
    def __init__(self, limits: LimitsSpec | None = None, spent: Spent | None = None, *, devices: int = 1) -> None:
        self._limits = limits or LimitsSpec()
        self._spent = spent or Spent()
        self._devices = devices
        self._exceeded: str | None = None

    def exceeded(self, seconds: float, trainer_seconds: float) -> bool:
        """Of this attempt so far."""
        device_seconds = self._spent.device_seconds + trainer_seconds * self._devices
        used = {
            "max_seconds": (self._limits.max_seconds, self._spent.seconds + seconds),
            "max_device_seconds": (self._limits.max_device_seconds, device_seconds),
        }
        self._exceeded = next((name for name, (most, now) in used.items() if most is not None and now >= most), None)
        return self._exceeded is not None

    def error(self, progress: dict[str, Any]) -> JobError:
        name = self._exceeded or "max_seconds"
        most = getattr(self._limits, name)
        return JobError(
            code="time_limit",
            category="user_spec",
            retryable=True,
            message=f"The job reached `limits.{name}`, {most:,} s, at step {progress['step']} of {progress['steps']}.",
            remediation="The newest checkpoint is kept. Resume the job to run for the same time again, or clone it "
            "with larger `limits`.",
        )
