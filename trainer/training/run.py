"""A training run: its parts, its position, and how the parts are put together."""

from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import torch
from torch import Tensor, nn

from contract.child.messages import Arm, Notice
from contract.pack.manifest import PackManifest, Split
from contract.specs import Plan, ResolvedSpec, plan
from contract.specs.methods import TaughtSpec
from contract.specs.normalisation import normalisation_of
from contract.tasks import TERMS
from trainer.data.images import host_budget
from trainer.data.pack import Pack
from trainer.errors import ended, loss_nan
from trainer.machine.device import place
from trainer.machine.team import Team
from trainer.methods import teacher
from trainer.methods.objective import Objective
from trainer.methods.unpruned import StayClose, Unpruned
from trainer.models import norms
from trainer.tasks.protocol import Samples, Task
from trainer.training import optimization, rounds, step_parts
from trainer.training.assignment import Assignment
from trainer.training.averaging import AveragedModel
from trainer.training.early_stopping import EarlyStopping
from trainer.training.feed import Feed
from trainer.training.rounds import Round


@dataclass
class Position:
    """Where a run stands; all of it is in the checkpoint."""

    step: int = 0  # completed, of this round
    steps_before: int = 0  # in earlier rounds, like the epochs
    epochs_before: int = 0
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


@dataclass(frozen=True)
class Start:
    """What a run begins with where it does not draw a network of its own."""

    network: nn.Module
    position: Position
    unpruned: Unpruned | None = None


@dataclass
class Run:
    spec: ResolvedSpec  # of its round
    round: Round
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
    unpruned: Unpruned | None  # the network that pruning began with
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
    def parts(self) -> list[step_parts.Part]:
        team = self.team
        return step_parts.divide(
            self.plan.groups, devices=team.size, rank=team.rank, accumulate=self.position.accumulate
        )

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
        """The epoch being trained, counted from 1 over all rounds, like the steps."""
        within = min(self.position.step // self.plan.steps_per_epoch, self.plan.epochs - 1) + 1
        return self.position.epochs_before + within

    @property
    def steps_done(self) -> int:
        return self.position.steps_before + self.position.step

    def take_notices(self) -> list[Notice]:
        taken, self.notices = self.notices, []
        return taken


def assemble(assignment: Assignment, at: Round | None = None, start: Start | None = None) -> Run:
    """A run at its first step, of the first round unless another is named."""
    at = at or rounds.of(assignment.spec)[0]
    pack, device, team, spec = assignment.pack, assignment.device, assignment.team, at.spec
    task, steps = assignment.task, plan(spec, pack.manifest)
    objective = _objective(assignment, spec, steps, start)
    budget = host_budget()
    feed = Feed(spec, steps, task=task, pack=pack, method=objective.method, device=device, budget=budget)
    training = spec.training
    return Run(
        spec=spec,
        round=at,
        plan=steps,
        task=task,
        arm=assignment.arm,
        out=assignment.out,
        device=device,
        team=team,
        manifest=pack.manifest,
        fingerprint=assignment.fingerprint,
        objective=objective,
        shared=team.wrap(objective),
        optimizer=optimization.build_optimizer(objective, spec.optimizer, head=task.head(objective.model)),
        averaged=AveragedModel(objective.model, training.ema_decay) if training.ema_decay else None,
        stopping=EarlyStopping(training.early_stopping) if training.early_stopping else None,
        feed=feed,
        validation=_open_validation(spec, task, pack, device=device, budget=budget - feed.samples.cached_bytes),
        unpruned=start.unpruned if start else None,
        position=start.position if start else Position(accumulate=training.accumulate),
        resumed_seconds=start.position.train_seconds if start else 0.0,
    )


def check_finite(run: Run) -> None:
    if run.last_loss is not None and not torch.isfinite(run.last_loss):
        raise loss_nan(run.steps_done)


def _objective(assignment: Assignment, spec: ResolvedSpec, steps: Plan, start: Start | None) -> Objective:
    """The network is drawn first, so that it begins the same whatever the method adds."""
    pack, device, taught_by = assignment.pack, assignment.device, assignment.teacher_folder
    torch.manual_seed(spec.seed)
    model = start.network if start else assignment.fresh_network()
    if spec.training.freeze_norms != "none":
        norms.freeze(model, affine=spec.training.freeze_norms == "all", head=assignment.task.head(model))
    if isinstance(spec.method, TaughtSpec) and taught_by is None:
        raise ended("teacher_unfit", f"{spec.method.name} needs a teacher. Give its folder as --teacher.")
    method = assignment.task.build_method(spec, model, pack=pack, groups=steps.groups)
    normalisation = normalisation_of(spec, pack.manifest)
    pruning = assignment.spec.compression.pruning
    if pruning and pruning.distillation_weight and start and start.unpruned:
        unpruned = start.unpruned.network(assignment.fresh_network(), device)
        method = StayClose(method, unpruned, weight=pruning.distillation_weight)
    objective = Objective(
        model,
        method,
        precision=spec.training.precision,
        teacher=teacher.load(taught_by, pack.manifest, normalisation, device) if taught_by else None,
    )
    return place(objective, device).train()


def _open_validation(
    spec: ResolvedSpec, task: Task, pack: Pack, *, device: torch.device, budget: int
) -> Samples | None:
    if not len(pack.rows(Split.VAL)):
        return None
    return task.open_split(
        pack,
        Split.VAL,
        size=(spec.height, spec.width),
        normalisation=normalisation_of(spec, pack.manifest),
        device=device,
        budget=budget,
    )
