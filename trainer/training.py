"""The story of a training: pairs, patch swap, one forward on 2n images, loss, step; reported as it goes.

The loop yields messages and knows no method by name. What it does next follows from its position alone, so a run that
was killed and resumed ends with the same weights, bit for bit (on one machine with as many threads).
"""

import json
from collections.abc import Generator, Iterator
from math import ceil, isfinite
from pathlib import Path
from time import monotonic
from typing import Any

import torch

from core.progress import Arm, Done, Message, Metrics, Progress, Started, Stopped, Working
from core.spec import Plan, ResolvedSpec
from trainer import durable, models, optimization, prediction, randomness, weights
from trainer import run as running
from trainer.device import autocast, describe
from trainer.errors import loss_nan
from trainer.pack import Pack
from trainer.prediction import LabelledImages
from trainer.process import Interrupted, StopRequest
from trainer.run import Run
from trainer.tasks import classification

PROGRESS_SECONDS = 1.0
VALIDATIONS_AT_MOST = 100
VALIDATION_SHARE = 0.1  # of the training time; a forward pass costs a third of a training step
FORWARD_SHARE = 1 / 3


def train(
    spec: ResolvedSpec, *, pack: Pack, out: Path, arm: Arm, device: torch.device, stop: StopRequest
) -> Iterator[Message]:
    """Train one arm to its last step, or until `stop`; resume where OUT/arm/checkpoints holds a checkpoint."""
    run = running.assemble(spec, pack=pack, out=out, arm=arm, device=device)
    yield from running.restore(run)
    yield _started(run)
    clock = Clock(run)
    while not (run.finished or stop):
        if not run.epoch_is_full:
            train_step(run)
        if run.epoch_is_full:
            try:
                yield from close_epoch(run, clock, stop)
            except Interrupted:  # the epoch stays open; whoever resumes closes it
                break
        if clock.progress_due():
            yield clock.progress()
        if clock.checkpoint_due(spec.training.checkpoint_every_seconds):
            yield running.save(run)
            clock.checkpoint_written()
    if not run.is_saved:
        yield running.save(run)
    yield publish(run) if run.finished else Stopped(arm=arm, step=run.position.step)


def train_step(run: Run) -> None:
    """One step: forward on the whole batch, loss, backward, update. Nothing waits for the device."""
    step = run.position.step
    optimization.set_learning_rate(run.optimizer, optimization.learning_rate(run.spec.optimizer, run.plan, step))
    randomness.seed_network(run.spec.seed, step)
    images_BCHW, labels_B = run.feed.batch(step)
    with autocast(run.device, run.spec.training.precision):
        logits_BK = run.model(images_BCHW)
    logits_BK = logits_BK.float()
    losses = run.objective.losses(logits_BK, labels_B)
    run.optimizer.zero_grad(set_to_none=True)
    losses["loss"].backward()
    run.optimizer.step()
    run.last_loss = losses["loss"].detach()
    _accumulate(run, losses | classification.batch_metrics(logits_BK, labels_B))
    run.position.step += 1


def close_epoch(run: Run, clock: "Clock", stop: StopRequest) -> Iterator[Message]:
    """Report the epoch's means and, where its turn has come, the validation. Raises Interrupted on `stop`."""
    position, epoch = run.position, run.position.epochs_closed + 1
    running.check_finite(run)
    values = {f"train.{name}": total.item() / run.plan.steps_per_epoch for name, total in position.sums.items()}
    values["learning_rate"] = run.optimizer.param_groups[0]["lr"]
    values["images_per_second"] = clock.epoch_rate()
    if run.validation and validation_due(run.plan, images=len(run.validation.labels), epoch=epoch):
        values |= yield from _validate(run, run.validation, stop)
        top1 = values["val.top1_accuracy"]
        if position.best_top1 is None or top1 > position.best_top1:
            position.best_top1, position.best_epoch = top1, epoch
    if not all(map(isfinite, values.values())):
        raise loss_nan(position.step)
    position.metrics |= values
    position.sums, position.epochs_closed = {}, epoch
    clock.epoch_closed()
    yield Metrics(arm=run.arm, step=position.step, epoch=epoch, values=values)


def validation_due(plan: Plan, *, images: int, epoch: int) -> bool:
    """Every epoch while that is cheap, the last one always: a fixed rule, so that a resumed run validates the same."""
    budget = VALIDATION_SHARE * plan.images_per_step * plan.steps_per_epoch
    every = max(ceil(plan.epochs / VALIDATIONS_AT_MOST), ceil(images * FORWARD_SHARE / budget))
    return epoch % every == 0 or epoch == plan.epochs


def publish(run: Run) -> Done:
    """Write the weights of the last step, and what is known of the run, beside them."""
    if not weights.all_finite(run.model):
        raise loss_nan(run.position.step)
    weights.save(run.model, run.folder / weights.FILE_NAME)
    durable.write(run.folder / "train.json", json.dumps(_summary(run), indent=2).encode())
    files = {"weights": weights.FILE_NAME, "train": "train.json"}
    return Done(files={name: f"{run.arm}/{file}" for name, file in files.items()})


class Clock:
    """When to speak and when to save: the only things that depend on the time."""

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
            step=run.position.step,
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


def _started(run: Run) -> Started:
    return Started(
        arm=run.arm,
        step=run.position.step,
        steps=run.plan.steps,
        epochs=run.plan.epochs,
        images_per_step=run.plan.images_per_step,
        device=describe(run.device),
        parameters=models.count_parameters(run.model),
    )


def _accumulate(run: Run, values: dict[str, torch.Tensor]) -> None:
    """Add to the epoch's sums, on the device, in float64 so that long epochs lose nothing."""
    sums = run.position.sums
    for name, value in values.items():
        addend = value.detach().double()
        sums[name] = sums[name] + addend if name in sums else addend


def _validate(run: Run, split: LabelledImages, stop: StopRequest) -> Generator[Working, None, dict[str, float]]:
    found = yield from prediction.predict(run.model, split, activity="validate", stop=stop)
    return {"val.top1_accuracy": float(found.correct.mean()), "val.nll": float(found.nll.mean())}


def _summary(run: Run) -> dict[str, Any]:
    position = run.position
    return {
        "arm": run.arm,
        "method": run.spec.method.name,
        "weights": "last",
        "steps": position.step,
        "epochs": run.plan.epochs,
        "images_seen": position.step * run.plan.images_per_step,
        "train_seconds": position.train_seconds,
        "seed": run.spec.seed,
        "device": describe(run.device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "best_validation": {"top1_accuracy": position.best_top1, "epoch": position.best_epoch},
        "metrics": position.metrics,
    }
