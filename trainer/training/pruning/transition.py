"""From one round of a training to the next: the network that the round ends with, pruned, is what the next begins with.

All of it follows from the round's last state, so a run that was killed here does the same again.
"""

from collections.abc import Generator

import torch
from torch import Tensor, nn

from contract.child.messages import Message, Notice, Working
from contract.specs import PruningSpec
from trainer.data import randomness
from trainer.methods.unpruned import Unpruned
from trainer.models import widths
from trainer.training import publication, rounds, step_parts
from trainer.training.assignment import Assignment
from trainer.training.pruning import channels
from trainer.training.pruning.channels import Size, Target
from trainer.training.rounds import Round
from trainer.training.run import Position, Run, Start

GRADIENT_STEPS = 16  # whose batches say what the loss would lose


def next_round(assignment: Assignment, run: Run) -> Round | None:
    """None after the last."""
    following = rounds.of(assignment.spec)[run.round.number + 1 :]
    return following[0] if following else None


def shrink(assignment: Assignment, run: Run, following: Round) -> Generator[Message, None, Start]:
    """Prune the network of a finished run; gives what the next round begins with. Raises TrainerError."""
    yield Working(activity="prune", done=run.round.number, total=following.number)
    ended = {name: tensor.detach().to("cpu", copy=True) for name, tensor in publication.final_weights(run).items()}
    unpruned = run.unpruned or Unpruned(ended)
    pruning = assignment.spec.compression.pruning
    pruned: dict[str, Tensor] = {}
    if run.team.is_chief and pruning:
        network = _network(assignment, ended)
        if pruning.criterion == "taylor":
            _measure_gradients(run, ended, network)
        before = Size.of(network, assignment.image_shape)
        target = _target(assignment, pruning, unpruned, following.share)
        network = channels.prune(
            network, image_shape=assignment.image_shape, target=target, criterion=pruning.criterion
        )
        yield _notice(following, before, Size.of(network, assignment.image_shape))
        pruned = dict(network.state_dict())
    network = _network(assignment, run.team.from_chief(pruned))
    return Start(network, _position_after(run), unpruned)


def _network(assignment: Assignment, weights: dict[str, Tensor]) -> nn.Module:
    network = assignment.fresh_network()
    widths.fit(network, weights)
    network.load_state_dict(weights)
    return network.eval()


def _measure_gradients(run: Run, weights: dict[str, Tensor], network: nn.Module) -> None:
    """Give the network the gradients of the run's own loss, over the batches of its first steps.

    In evaluation mode: the statistics of batch norm are pruned, too, and a team's other members are not here.
    """
    run.model.load_state_dict(weights)
    run.objective.eval().zero_grad(set_to_none=True)
    divided = step_parts.divide(run.plan.groups, devices=1, rank=0, accumulate=run.position.accumulate * run.team.size)
    for step in range(min(GRADIENT_STEPS, run.plan.steps)):
        randomness.seed_network(run.round.spec.seed, step)
        for part in divided:
            judged = run.objective(run.feed.batch(step, part))
            (judged.losses["loss"] * part.share).backward()
    found = dict(run.model.named_parameters())
    for name, parameter in network.named_parameters():
        gradient = found[name].grad
        parameter.grad = torch.zeros_like(parameter) if gradient is None else gradient.detach().to("cpu")


def _target(assignment: Assignment, pruning: PruningSpec, unpruned: Unpruned, share: float) -> Target:
    whole = _network(assignment, {name: tensor.cpu() for name, tensor in unpruned.weights.items()})
    return Target.of(pruning, Size.of(whole, assignment.image_shape), share)


def _notice(following: Round, before: Size, after: Size) -> Notice:
    message = (
        f"Pruning, round {following.number}: {before.macs:,} multiply-adds became {after.macs:,}, "
        f"{before.weight_bytes:,} bytes of weights {after.weight_bytes:,}; {following.spec.training.epochs} epochs of "
        "fine-tuning follow."
    )
    data = {
        "round": following.number,
        "macs_before": before.macs,
        "macs": after.macs,
        "weight_bytes_before": before.weight_bytes,
        "weight_bytes": after.weight_bytes,
        "epochs": following.spec.training.epochs,
    }
    return Notice(severity="info", code="pruned", message=message, data=data)


def _position_after(run: Run) -> Position:
    """What the next round takes over: where it stands in the whole, what was learnt so far, what memory allowed."""
    ended = run.position
    return Position(
        steps_before=run.steps_done,
        epochs_before=ended.epochs_before + ended.epochs_closed,
        accumulate=ended.accumulate,
        train_seconds=run.train_seconds,
        peak_memory_bytes=ended.peak_memory_bytes,
        metrics=ended.metrics,
        curves=ended.curves,
    )
