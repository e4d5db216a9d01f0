"""When a run speaks and when it saves: the only things that depend on the time."""

from time import monotonic

from contract.child.messages import Progress
from trainer.training import run as running
from trainer.training.run import Run

PROGRESS_SECONDS = 1.0


class Clock:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._spoken_at = self._saved_at = self._epoch_at = monotonic()
        self._spoken_step = self._epoch_step = run.position.step

    def progress_due(self) -> bool:
        return monotonic() - self._spoken_at >= PROGRESS_SECONDS and self._run.position.step > self._spoken_step

    def progress(self) -> Progress:
        """What was reached since the last time. Waits for the device; raises TrainerError where the loss is lost."""
        run, now = self._run, monotonic()
        running.check_finite(run)
        steps_per_second = (run.position.step - self._spoken_step) / (now - self._spoken_at)
        self._spoken_at, self._spoken_step = now, run.position.step
        return Progress(
            arm=run.arm,
            step=run.steps_done,
            epoch=run.epoch,
            images_per_second=steps_per_second * run.plan.images_per_step,
            seconds_per_epoch=run.plan.steps_per_epoch / steps_per_second,
            loss=0.0 if run.last_loss is None else run.last_loss.item(),
        )

    def checkpoint_due(self, every_seconds: float) -> bool:
        return monotonic() - self._saved_at >= every_seconds

    def checkpoint_written(self) -> None:
        self._saved_at = monotonic()

    def epoch_rate(self) -> float:
        """Images per second since the epoch, or this attempt at it, began."""
        steps = self._run.position.step - self._epoch_step
        return steps * self._run.plan.images_per_step / max(monotonic() - self._epoch_at, 1e-9)

    def epoch_closed(self) -> None:
        self._epoch_at, self._epoch_step = monotonic(), self._run.position.step
