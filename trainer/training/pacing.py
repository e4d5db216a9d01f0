"""When a run speaks and when it saves: the only things that depend on the time."""

from time import monotonic
from typing import NamedTuple

from contract.child.messages import Progress
from trainer.training import run as running
from trainer.training.run import Run

PROGRESS_SECONDS = 1.0


class Clock:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._saved_at = monotonic()
        self._told = self._since = self._epoch = self._window = self._here()
        self._rate = 0.0  # steps per second, without validation

    def progress_due(self) -> bool:
        return monotonic() - self._told.at >= PROGRESS_SECONDS and self._run.position.step > self._told.step

    def progress(self) -> Progress:
        """What was reached since the last time. Waits for the device; raises TrainerError where the loss is lost."""
        run = self._run
        running.check_finite(run)
        now = self._here()
        if now.step > self._since.step:  # else the epoch has just closed, and its own rate holds
            self._rate = now.steps_per_second_since(self._since)
        self._told = self._since = now
        return Progress(
            arm=run.arm,
            step=run.steps_done,
            epoch=run.epoch,
            images_per_second=run.plan.images_per_step * self._rate,
            seconds_per_epoch=run.plan.steps_per_epoch / now.steps_per_second_since(self._window),
            loss=0.0 if run.last_loss is None else run.last_loss.item(),
        )

    def checkpoint_due(self, every_seconds: float) -> bool:
        return monotonic() - self._saved_at >= every_seconds

    def checkpoint_written(self) -> None:
        self._saved_at = monotonic()

    def epoch_rate(self) -> float:
        """Images per second since the epoch, or this attempt at it, began."""
        self._rate = self._here().steps_per_second_since(self._epoch)
        return self._run.plan.images_per_step * self._rate

    def epoch_closed(self) -> None:
        """Validation counts for the length of an epoch, which the last two tell, and not for images per second."""
        self._window, self._epoch = self._epoch, self._here()
        self._since = self._epoch

    def _here(self) -> "_Moment":
        return _Moment(monotonic(), self._run.position.step)


class _Moment(NamedTuple):
    at: float  # seconds of the monotonic clock
    step: int

    def steps_per_second_since(self, earlier: "_Moment") -> float:
        return (self.step - earlier.step) / max(self.at - earlier.at, 1e-9)
