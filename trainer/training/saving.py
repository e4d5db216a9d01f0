"""A run's checkpoint: write it, and take a run up where the newest one left it."""

from collections.abc import Generator
from typing import Any

from contract.child.messages import Checkpoint, Message, Notice
from contract.files import CHECKPOINTS
from trainer.errors import ended
from trainer.machine.device import peak_bytes
from trainer.methods.unpruned import Unpruned
from trainer.models import widths
from trainer.training import checkpoint, rounds
from trainer.training.assignment import Assignment
from trainer.training.early_stopping import EarlyStopping
from trainer.training.run import Position, Run, Start, assemble, check_finite


def resume(assignment: Assignment) -> Generator[Message, None, Run]:
    """A run where the newest checkpoint that is what was written left it, else at its first step.

    Raises TrainerError where that belongs to another spec.
    """
    for path in checkpoint.newest_first(assignment.out / assignment.arm / CHECKPOINTS):
        if not checkpoint.verified(path):
            message = f"{path.name} does not match its sha256 and was skipped."
            yield Notice(severity="warning", code="checkpoint_corrupt", message=message)
            continue
        content = checkpoint.load(path, assignment.device)
        if content["fingerprint"] != assignment.fingerprint:
            message = f"The checkpoint {path.name} was written for another spec or dataset."
            raise ended("checkpoint_mismatch", message)
        return _restored(assignment, content)
    return assemble(assignment)


def save(run: Run) -> Checkpoint:
    """Write a checkpoint of this moment. Raises TrainerError where the loss is not finite: that state is lost."""
    check_finite(run)
    position, folder = run.position, run.folder / CHECKPOINTS
    position.train_seconds = run.train_seconds
    position.peak_memory_bytes = max(position.peak_memory_bytes, peak_bytes(run.device))
    value = position.metrics.get(run.judged_by)
    best = value is not None and (position.best_checkpoint_value is None or value > position.best_checkpoint_value)
    if best:
        position.best_checkpoint, position.best_checkpoint_value = checkpoint.name_of(run.steps_done), value
    saved = checkpoint.save(folder, run.steps_done, _content(run))
    run.saved = (position.step, position.epochs_closed)
    checkpoint.prune(folder, keep=position.best_checkpoint)
    return Checkpoint(
        arm=run.arm,
        step=run.steps_done,
        epoch=run.epoch,
        path=str(saved.path.relative_to(run.out)),
        bytes=saved.bytes,
        sha256=saved.sha256,
        best=best,
        metrics=position.metrics,
    )


def _restored(assignment: Assignment, content: dict[str, Any]) -> Run:
    at = rounds.of(assignment.spec)[content.get("round", 0)]
    position = Position(**content["position"])
    weights = {name.removeprefix("model."): t for name, t in content["objective"].items() if name.startswith("model.")}
    network = assignment.fresh_network()
    widths.fit(network, weights)
    unpruned = Unpruned(content["unpruned"]) if content.get("unpruned") else None
    run = assemble(assignment, at, Start(network, position, unpruned))
    run.objective.load_state_dict(content["objective"])
    run.optimizer.load_state_dict(content["optimizer"])
    if run.averaged:
        run.averaged.model.load_state_dict(content["averaged"])
    if run.stopping:
        run.stopping = EarlyStopping(run.stopping.spec, **content["stopping"])
    run.saved = (position.step, position.epochs_closed)
    return run


def _content(run: Run) -> dict[str, Any]:
    position = {name: getattr(run.position, name) for name in Position.__dataclass_fields__}
    return {
        "fingerprint": run.fingerprint,
        "round": run.round.number,
        "unpruned": run.unpruned.weights if run.unpruned else None,
        "objective": run.objective.state_dict(),  # the network, the method's heads and the method's state
        "optimizer": run.optimizer.state_dict(),
        "averaged": run.averaged.model.state_dict() if run.averaged else None,
        "stopping": run.stopping.state() if run.stopping else None,
        "position": position,
    }
