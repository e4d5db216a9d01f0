"""A training run taken apart and put together: its parts, its position, and their checkpoint."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch import Tensor, nn

from core.progress import Arm, Checkpoint, Message, Notice
from core.spec import TERMS, CrossEntropySpec, PackManifest, Plan, ResolvedSpec, Split, plan
from core.spec.methods import TaughtSpec
from trainer import checkpoint, memory, optimization, parts, tasks, teacher
from trainer.averaging import AveragedModel
from trainer.early_stopping import EarlyStopping
from trainer.errors import checkpoint_mismatch, loss_nan, teacher_unfit
from trainer.feed import Feed
from trainer.images import host_budget
from trainer.objective import Objective
from trainer.pack import Pack
from trainer.tasks.task import Samples, Task
from trainer.team import ALONE, Team

# What may change between an interrupted run and its continuation without changing a weight.
_NOT_TRAINING = {"dataset", "name", "recipe", "evaluation", "exports", "control", "labels"}


@dataclass
class Position:
    """Where a run stands; all of it is in the checkpoint."""

    step: int = 0  # completed
    epochs_closed: int = 0  # whose metrics were reported
    accumulate: int = 1  # parts that a step is divided into: more than was asked for where memory was short
    train_seconds: float = 0.0
    peak_memory_bytes: int = 0
    best_value: float | None = None  # of validation
    best_epoch: int | None = None
    best_checkpoint: str | None = None
    best_checkpoint_value: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)  # the latest of each
    sums: dict[str, Tensor] = field(default_factory=dict)  # over the steps of the open epoch, on the device
    gradients: dict[str, Tensor] = field(default_factory=dict)  # by layer, at the last step of the latest full epoch
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)  # (epoch, value) of what is learnt


@dataclass
class Run:
    spec: ResolvedSpec
    plan: Plan
    task: Task
    arm: Arm
    out: Path
    device: torch.device
    team: Team
    manifest: PackManifest
    fingerprint: str
    objective: Objective
    shared: nn.Module  # the objective, as the team calls it
    optimizer: torch.optim.Optimizer
    averaged: AveragedModel | None
    stopping: EarlyStopping | None
    feed: Feed
    validation: Samples | None
    position: Position = field(default_factory=Position)
    notices: list[Notice] = field(default_factory=list)  # to be said when the step is done
    saved: tuple[int, int] | None = None  # step and epochs closed of the latest checkpoint
    last_loss: Tensor | None = None
    resumed_seconds: float = 0.0
    started_at: float = field(default_factory=monotonic)

    @property
    def folder(self) -> Path:
        return self.out / self.arm

    @property
    def model(self) -> nn.Module:
        return self.objective.model

    @property
    def judged_by(self) -> str:
        """The metric of validation by which one moment is better than another."""
        return TERMS[self.manifest.task].validated[0]

    @property
    def judged(self) -> nn.Module:
        """The network that validation looks at."""
        return self.averaged.model if self.averaged else self.model

    @property
    def parts(self) -> list[parts.Part]:
        team = self.team
        return parts.divide(self.plan.groups, devices=team.size, rank=team.rank, accumulate=self.position.accumulate)

    @property
    def train_seconds(self) -> float:
        return self.resumed_seconds + monotonic() - self.started_at

    @property
    def finished(self) -> bool:
        return self.position.epochs_closed == self.plan.epochs or bool(self.stopping and self.stopping.stopped)

    @property
    def epoch_is_full(self) -> bool:
        """All steps of the open epoch are done, and its metrics not yet reported."""
        return self.position.step == (self.position.epochs_closed + 1) * self.plan.steps_per_epoch

    @property
    def is_saved(self) -> bool:
        return self.saved == (self.position.step, self.position.epochs_closed)

    @property
    def epoch(self) -> int:
        """The epoch being trained, counted from 1."""
        return min(self.position.step // self.plan.steps_per_epoch, self.plan.epochs - 1) + 1

    def take_notices(self) -> list[Notice]:
        taken, self.notices = self.notices, []
        return taken


def assemble(
    spec: ResolvedSpec,
    *,
    pack: Pack,
    out: Path,
    arm: Arm,
    device: torch.device,
    team: Team = ALONE,
    teacher_folder: Path | None = None,
) -> Run:
    """A run at its first step. The control arm is the same spec with plain cross-entropy, and has no teacher."""
    if arm == "control":
        spec = spec.model_copy(update={"method": CrossEntropySpec()})
    task, steps = tasks.choose(spec.task), plan(spec, pack.manifest)
    objective = _objective(spec, steps, task=task, pack=pack, device=device, teacher_folder=teacher_folder)
    budget = host_budget()
    feed = Feed(spec, steps, task=task, pack=pack, method=objective.method, device=device, budget=budget)
    training = spec.training
    return Run(
        spec=spec,
        plan=steps,
        task=task,
        arm=arm,
        out=out,
        device=device,
        team=team,
        manifest=pack.manifest,
        fingerprint=_fingerprint(spec, pack, arm),
        objective=objective,
        shared=team.wrap(objective),
        optimizer=optimization.build_optimizer(objective, spec.optimizer),
        averaged=AveragedModel(objective.model, training.ema_decay) if training.ema_decay else None,
        stopping=EarlyStopping(training.early_stopping) if training.early_stopping else None,
        feed=feed,
        validation=_open_validation(spec, task, pack, device=device, budget=budget - feed.samples.cached_bytes),
        position=Position(accumulate=training.accumulate),
    )


def restore(run: Run) -> Iterator[Message]:
    """Go to the newest checkpoint that is what was written. Raises TrainerError where it belongs to another spec."""
    for path in checkpoint.newest_first(run.folder / "checkpoints"):
        if not checkpoint.verified(path):
            message = f"{path.name} does not match its sha256 and was passed over."
            yield Notice(severity="warning", code="checkpoint_corrupt", message=message)
            continue
        content = checkpoint.load(path, run.device)
        if content["fingerprint"] != run.fingerprint:
            raise checkpoint_mismatch(path.name)
        run.objective.load_state_dict(content["objective"])
        run.optimizer.load_state_dict(content["optimizer"])
        if run.averaged:
            run.averaged.model.load_state_dict(content["averaged"])
        if run.stopping:
            run.stopping = EarlyStopping(run.stopping.spec, **content["stopping"])
        run.position = Position(**content["position"])
        run.resumed_seconds = run.position.train_seconds
        run.saved = (run.position.step, run.position.epochs_closed)
        return


def save(run: Run) -> Checkpoint:
    """Write a checkpoint of this moment. Raises TrainerError where the loss is not finite: that state is lost."""
    check_finite(run)
    position, folder = run.position, run.folder / "checkpoints"
    position.train_seconds = run.train_seconds
    position.peak_memory_bytes = max(position.peak_memory_bytes, memory.peak_bytes(run.device))
    value = position.metrics.get(run.judged_by)
    best = value is not None and (position.best_checkpoint_value is None or value > position.best_checkpoint_value)
    if best:
        position.best_checkpoint, position.best_checkpoint_value = checkpoint.name_of(position.step), value
    saved = checkpoint.save(folder, position.step, _content(run))
    run.saved = (position.step, position.epochs_closed)
    checkpoint.prune(folder, keep=position.best_checkpoint)
    return Checkpoint(
        arm=run.arm,
        step=position.step,
        epoch=run.epoch,
        path=str(saved.path.relative_to(run.out)),
        bytes=saved.bytes,
        sha256=saved.sha256,
        best=best,
        metrics=position.metrics,
    )


def check_finite(run: Run) -> None:
    if run.last_loss is not None and not torch.isfinite(run.last_loss):
        raise loss_nan(run.position.step)


def _objective(
    spec: ResolvedSpec, steps: Plan, *, task: Task, pack: Pack, device: torch.device, teacher_folder: Path | None
) -> Objective:
    """The network is drawn first, so that it begins the same whatever the method adds."""
    torch.manual_seed(spec.seed)
    model = task.build_model(spec, pack.manifest)
    if isinstance(spec.method, TaughtSpec) and teacher_folder is None:
        raise teacher_unfit(f"{spec.method.name} needs the network that teaches: give its folder as --teacher.")
    objective = Objective(
        model,
        task.build_method(spec, model, pack=pack, groups=steps.groups),
        precision=spec.training.precision,
        teacher=teacher.load(teacher_folder, pack.manifest, device) if teacher_folder else None,
    )
    return objective.to(device, memory_format=torch.channels_last).train()


def _content(run: Run) -> dict[str, Any]:
    position = {name: getattr(run.position, name) for name in Position.__dataclass_fields__}
    return {
        "fingerprint": run.fingerprint,
        "objective": run.objective.state_dict(),  # the network, the method's heads and the method's state
        "optimizer": run.optimizer.state_dict(),
        "averaged": run.averaged.model.state_dict() if run.averaged else None,
        "stopping": run.stopping.state() if run.stopping else None,
        "position": position,
    }


def _fingerprint(spec: ResolvedSpec, pack: Pack, arm: Arm) -> str:
    training = spec.model_copy(update={"training": spec.training.model_copy(update={"checkpoint_every_seconds": 1})})
    text = training.model_dump_json(exclude=_NOT_TRAINING)
    return hashlib.sha256(f"{arm} {pack.manifest.digest} {text}".encode()).hexdigest()


def _open_validation(
    spec: ResolvedSpec, task: Task, pack: Pack, *, device: torch.device, budget: int
) -> Samples | None:
    if not len(pack.rows(Split.VAL)):
        return None
    return task.open_split(pack, Split.VAL, size=(spec.height, spec.width), device=device, budget=budget)
