"""How far a job is, as its customer sees it: over both arms, and never going back, whatever is trained again."""

from datetime import UTC, datetime
from typing import Any

from contract.child.messages import Arm, Metrics, Progress, Started
from contract.specs import Plan
from contract.tasks import TERMS

JUDGED_BY = {terms.validated[0] for terms in TERMS.values()}  # a trainer validates by one of them


class JobProgress:
    """Built from the row of a claimed job; `as_json` is what goes into the row again."""

    def __init__(self, plan: Plan, *, control: bool, known: dict[str, Any]) -> None:
        self._plan = plan
        self._arms: tuple[Arm, ...] = ("main", "control") if control else ("main",)
        self._step = int(known.get("step", 0))
        self._epoch = int(known.get("epoch", 0))
        self._arm: Arm = "main" if self._step <= plan.steps else "control"
        self._position = self._step  # where training is now; behind `_step` while lost steps are done again
        self._images_per_second = known.get("images_per_second")
        self._seconds_per_epoch: float | None = known.get("seconds_per_epoch")
        self._best: dict[str, Any] | None = known.get("best")
        self._device: str | None = known.get("device")

    @property
    def steps(self) -> int:
        return self._plan.steps * len(self._arms)

    def on_started(self, message: Started) -> None:
        self._enter(message.arm)
        self._move_to(message.arm, message.step)
        self._device = message.device

    def on_progress(self, message: Progress) -> None:
        self._enter(message.arm)
        self._move_to(message.arm, message.step)
        self._epoch = max(self._epoch, message.epoch)
        self._images_per_second = message.images_per_second
        self._seconds_per_epoch = message.seconds_per_epoch

    def on_metrics(self, message: Metrics) -> None:
        if message.arm != "main":
            return
        for metric in JUDGED_BY & message.values.keys():
            value = message.values[metric]
            if self._best is None or value > self._best["value"]:
                self._best = {"metric": metric, "value": value, "epoch": message.epoch}

    def on_done(self, arm: Arm) -> None:
        self._move_to(arm, self._plan.steps)
        self._epoch = self._plan.epochs

    def as_json(self) -> dict[str, Any]:
        return {
            "epoch": self._epoch,
            "epochs": self._plan.epochs,
            "step": self._step,
            "steps": self.steps,
            "fraction": round(self._step / self.steps, 6) if self.steps else 0.0,
            "images_per_second": self._images_per_second,
            "seconds_per_epoch": self._seconds_per_epoch,
            "eta_seconds": self._eta_seconds(),
            "best": self._best,
            "device": self._device,
            "updated_at": datetime.now(UTC).isoformat(),
        }

    def _enter(self, arm: Arm) -> None:
        """Each arm counts its own epochs."""
        if arm != self._arm:
            self._arm, self._epoch = arm, 0

    def _move_to(self, arm: Arm, step: int) -> None:
        self._position = self._arms.index(arm) * self._plan.steps + step
        self._step = max(self._step, min(self._position, self.steps))

    def _eta_seconds(self) -> float | None:
        """Of the training of both arms; evaluation and export come on top and are short beside it."""
        if not self._seconds_per_epoch or not self._plan.steps_per_epoch:
            return None
        left = max(0, self.steps - self._position)
        return round(left * self._seconds_per_epoch / self._plan.steps_per_epoch, 1)
