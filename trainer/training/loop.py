"""The story of a training: pairs, patch swap, one forward on 2n images, loss, step; reported as it goes.

The loop yields messages and knows no method and no task by name. What it does next follows from its position alone, so
a run that was killed and resumed ends with the same weights, bit for bit (on one machine with as many threads).
"""

from collections.abc import Generator, Iterator
from contextlib import suppress
from math import ceil, isfinite
from pathlib import Path

import torch
from torch import Tensor

from contract.child.messages import Arm, Message, Metrics, Notice, Started, Stopped, Working
from contract.specs import Plan, ResolvedSpec, plan
from trainer import models
from trainer.data import randomness
from trainer.data.pack import Pack
from trainer.errors import loss_nan
from trainer.machine.device import describe
from trainer.machine.stopping import Interrupted, StopRequest
from trainer.machine.team import ALONE, Team
from trainer.statistics import curves, gradients
from trainer.tasks.protocol import Samples
from trainer.training import compilation, optimization, saving
from trainer.training import run as running
from trainer.training.assignment import Assignment
from trainer.training.pacing import Clock
from trainer.training.pruning import transition
from trainer.training.publication import publish
from trainer.training.run import Run

VALIDATIONS_AT_MOST = 100
VALIDATION_SHARE = 0.1  # of the training time; a forward pass costs a third of a training step
FORWARD_SHARE = 1 / 3


def train(  # noqa: PLR0913 - the command's own options
    spec: ResolvedSpec,
    *,
    pack: Pack,
    out: Path,
    arm: Arm,
    device: torch.device,
    stop: StopRequest,
    team: Team = ALONE,
    teacher: Path | None = None,
    pretrained: Path | None = None,
) -> Iterator[Message]:
    """Train one arm to its last step, or until `stop`; resume where OUT/arm/checkpoints holds a checkpoint.

    `teacher` is the folder of the network that the method's spec names, `pretrained` of the one that the model's
    begins with, unless it is built in. In
    a team, only the chief has much to say.
    """
    pack = pack.fitted(spec.training.fit, spec.training.tiles)
    assignment = Assignment(spec, pack, out, arm, device, team, teacher, pretrained)
    run = yield from saving.resume(assignment)
    yield _started(assignment, run)
    yield from train_round(run, stop)
    while run.finished and (following := transition.next_round(assignment, run)):
        start = yield from transition.shrink(assignment, run, following)
        del run  # its images need not be in memory twice
        run = running.assemble(assignment, following, start)
        yield from train_round(run, stop)
    if team.is_chief:
        yield publish(run) if run.finished else Stopped(arm=arm, step=run.steps_done)


def train_round(run: Run, stop: StopRequest) -> Iterator[Message]:
    """Step by step to the end of the run's round, or until `stop`; its last state is saved."""
    yield from compilation.apply(run)
    clock, team = Clock(run), run.team
    while not (run.finished or team.any_stop(stop, run.position.step)):
        if not run.epoch_is_full:
            train_step(run)
        yield from run.take_notices()
        if run.epoch_is_full:
            try:
                yield from close_epoch(run, clock, stop)
            except Interrupted:  # the epoch stays open; whoever resumes closes it
                break
        if team.is_chief:
            yield from _report(run, clock)
    yield from run.take_notices()
    if team.is_chief and not run.is_saved:
        yield saving.save(run)


def train_step(run: Run) -> None:
    """One step, in as many parts as memory wants: forward, loss, backward; then one update. Never waits for a GPU."""
    position = run.position
    optimization.set_learning_rate(
        run.optimizer, optimization.learning_rate(run.spec.optimizer, run.plan, position.step)
    )
    found = run.team.total(_differentiate(run))
    if (position.step + 1) % run.plan.steps_per_epoch == 0:
        position.gradients = gradients.by_layer(run.model)
    optimization.hold_body(run.optimizer, run.spec.optimizer, run.plan, position.step)
    run.optimizer.step()
    if run.averaged:
        run.averaged.update(position.step)
    run.last_loss = found["loss"]
    _add(position.sums, found)
    position.step += 1


def close_epoch(run: Run, clock: Clock, stop: StopRequest) -> Iterator[Message]:
    """Report the epoch's means and, where its turn has come, the validation. Raises Interrupted on `stop`."""
    position, epoch = run.position, run.position.epochs_closed + 1
    overall = position.epochs_before + epoch
    running.check_finite(run)
    steps = run.plan.steps_per_epoch
    values = {f"train.{name}": value.item() / steps for name, value in position.sums.items()}
    values["learning_rate"] = run.optimizer.param_groups[0]["lr"]
    values["images_per_second"] = clock.epoch_rate()
    values["train.gradient_l1"] = gradients.overall(run.model, position.gradients)
    if run.validation and validation_due(run.plan, images=len(run.validation), epoch=epoch):
        values |= yield from _validate(run, run.validation, stop)
        value = values[run.judged_by]
        if position.best_value is None or value > position.best_value:
            position.best_value, position.best_epoch = value, overall
    if not all(map(isfinite, values.values())):
        raise loss_nan(run.steps_done)
    if run.stopping:
        run.stopping.consider(values, epoch, run.judged)
        run.notices.extend(run.stopping.notices(epoch))
    position.metrics |= values
    curves.extend(position.curves, overall, values)
    position.sums, position.epochs_closed = {}, epoch
    clock.epoch_closed()
    yield Metrics(arm=run.arm, step=run.steps_done, epoch=overall, values=values)


def validation_due(plan: Plan, *, images: int, epoch: int) -> bool:
    """Every epoch while that is cheap, the last one always: a fixed rule, so that a resumed run validates the same."""
    budget = VALIDATION_SHARE * plan.images_per_step * plan.steps_per_epoch
    every = max(ceil(plan.epochs / VALIDATIONS_AT_MOST), ceil(images * FORWARD_SHARE / budget))
    return epoch % every == 0 or epoch == plan.epochs


def _started(assignment: Assignment, run: Run) -> Started:
    whole = plan(assignment.spec, run.manifest)
    return Started(
        arm=run.arm,
        step=run.steps_done,
        steps=whole.steps,
        epochs=whole.epochs,
        images_per_step=run.plan.images_per_step,
        device=describe(run.device),
        parameters=models.count_parameters(run.model),
    )


def _report(run: Run, clock: Clock) -> Iterator[Message]:
    if clock.progress_due():
        yield clock.progress()
    if clock.checkpoint_due(run.spec.training.checkpoint_every_seconds):
        yield saving.save(run)
        clock.checkpoint_written()


def _differentiate(run: Run) -> dict[str, Tensor]:
    """The gradients of a step and what it found; in smaller parts from here on where a GPU's memory is too short."""
    try:
        return _accumulate_gradients(run)
    except torch.OutOfMemoryError:
        if run.team.size > 1 or 2 * run.position.accumulate > run.plan.groups:
            raise
    # Not within the handler: the exception holds the tensors of the step that did not fit.
    run.notices.append(_divide_further(run))
    return _differentiate(run)


def _accumulate_gradients(run: Run) -> dict[str, Tensor]:
    """Forward and backward of each part. What is found are means over the step, of this process's share in it."""
    step, mine = run.position.step, run.parts
    randomness.seed_network(run.spec.seed, step, rank=run.team.rank)
    run.optimizer.zero_grad(set_to_none=True)
    found: dict[str, Tensor] = {}
    for part in mine:
        batch = run.feed.batch(step, part)
        with run.team.collecting(run.shared, last=part is mine[-1]):
            judged = run.shared(batch)
            (judged.losses["loss"] * (part.share * run.team.size)).backward()  # DDP takes the mean over the team
        terms = judged.losses | run.task.batch_metrics(judged)
        _add(found, {name: value.detach().double() * part.share for name, value in terms.items()})
    return found


def _add(sums: dict[str, Tensor], values: dict[str, Tensor]) -> None:
    """On the device, in float64, so that the sums of long epochs lose nothing."""
    for name, value in values.items():
        sums[name] = sums[name] + value if name in sums else value


def _divide_further(run: Run) -> Notice:
    position = run.position
    position.accumulate *= 2
    run.optimizer.zero_grad(set_to_none=True)
    torch.cuda.empty_cache()
    message = (
        f"A step of {run.plan.images_per_step} images did not fit into the GPU's memory; from step {position.step} on "
        f"it is trained in {position.accumulate} parts. Batch norm sees a part at a time."
    )
    data = {"accumulate": position.accumulate, "step": position.step}
    return Notice(severity="warning", code="batch_divided", message=message, data=data)


def _validate(run: Run, split: Samples, stop: StopRequest) -> Generator[Working, None, dict[str, float]]:
    """By the chief; the others wait for its figures. Raises Interrupted, for all of a team."""
    figures: dict[str, float] | None = None
    if run.team.is_chief:
        with suppress(Interrupted):
            figures = run.task.validate(
                (yield from run.task.predict(run.judged, split, activity="validate", stop=stop))
            )
    figures = run.team.from_chief(figures)
    if figures is None:
        raise Interrupted
    return figures
