"""How far a job is, as its customer sees it: over all its phases, and never going back, whatever is trained again."""

import math
from datetime import UTC, datetime
from typing import Any

from contract.child.messages import Arm, Metrics, Progress, Started
from contract.specs import Plan
from contract.specs.estimate import Schedule
from contract.tasks import TERMS
from worker.claims.remaining import Remaining

_MOST = 0.99  # before the publication
JUDGED_BY = {terms.validated[0] for terms in TERMS.values()}  # a trainer validates by one of them


class JobProgress:
    """Built from the row of a claimed job; `as_json` is what goes into the row again."""

    def __init__(self, plan: Plan, *, control: bool, known: dict[str, Any], schedule: Schedule | None = None) -> None:
        self._plan = plan
        self._schedule = schedule or Schedule(0.0)
        self.remaining = Remaining(self._schedule.after)
        self._fraction = float(known.get("fraction") or 0)
        self._arms: tuple[Arm, ...] = ("main", "control") if control else ("main",)
        self._step = int(known.get("step", 0))
        self._epoch = int(known.get("epoch", 0))
        self._arm: Arm = "main" if self._step <= plan.steps else "control"
        self._position = self._step  # where training is now; behind `_step` while lost steps are done again
        self._images_per_second = known.get("images_per_second")
        self._seconds_per_epoch: float | None = known.get("seconds_per_epoch")
        self._best: dict[str, Any] | None = known.get("best")
        self._headline: dict[str, Any] | None = known.get("headline")
        self._loss: float | None = known.get("loss")
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
        self._loss = message.loss if math.isfinite(message.loss) else None

    def on_metrics(self, message: Metrics) -> None:
        if message.arm != "main":
            return
        for metric in JUDGED_BY & message.values.keys():
            value = message.values[metric]
            self._headline = {"metric": metric, "value": value, "epoch": message.epoch}
            if self._best is None or value > self._best["value"]:
                self._best = self._headline

    def on_done(self, arm: Arm) -> None:
        self._move_to(arm, self._plan.steps)
        self._epoch = self._plan.epochs

    def on_evaluated(self, split: str, figures: dict[str, float]) -> None:
        """The headline figure of the main arm on the held-out split."""
        [(metric, value)] = figures.items()
        self._headline = {"metric": f"{split}.{metric}", "value": value, "epoch": self._epoch}

    def as_json(self) -> dict[str, Any]:
        left = self._seconds_left()
        self._fraction = max(self._fraction, self._share_done(left))
        return {
            "epoch": self._epoch,
            "epochs": self._plan.epochs,
            "step": self._step,
            "steps": self.steps,
            "fraction": round(self._fraction, 6),
            "phase_fraction": round(self._phase_fraction(), 6),
            "images_per_second": self._images_per_second,
            "seconds_per_epoch": self._seconds_per_epoch,
            "eta_seconds": None if left is None else round(left, 1),
            "loss": self._loss,
            "headline": self._headline,
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

    def _seconds_left(self) -> float | None:
        """Of both arms, by the rate of this training, else by what it was expected to be; and of what follows."""
        if (per_step := self._seconds_per_step()) is None:
            return None
        return max(0, self.steps - self._position) * per_step + self.remaining.seconds_left

    def _share_done(self, left: float | None) -> float:
        """In time. It is all done once it is published."""
        if left is None:
            return self._step / self.steps if self.steps else 0.0
        done = self._position * (self._seconds_per_step() or 0) + self.remaining.seconds_done
        share = done / (done + left) if done + left else self._step / self.steps
        return min(share, _MOST) if self._schedule.after else share

    def _phase_fraction(self) -> float:
        trained = self._position / self.steps if self.steps else 0.0
        return trained if trained < 1 else self.remaining.phase_fraction()

    def _seconds_per_step(self) -> float | None:
        if self._seconds_per_epoch and self._plan.steps_per_epoch:
            return self._seconds_per_epoch / self._plan.steps_per_epoch
        return self._schedule.train_seconds / self.steps if self._schedule.train_seconds and self.steps else None
