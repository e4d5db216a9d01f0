"""The optimizer, and the learning rate as a pure function of the step."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import cos, pi
from typing import Any

import torch
from torch import nn

from contract.specs import OptimizerSpec, Plan

STEP_DIVISOR = 10  # as in the CIFAR protocols: x0.1 at each milestone


def build_optimizer(objective: nn.Module, spec: OptimizerSpec, *, head: Collection[str] = ()) -> torch.optim.Optimizer:
    """Over the network and the heads of a method, which learn as the network's own `head` does.

    `head` names the modules of the network that no pretrained weights are for. Weight decay is applied to all
    parameters unless the spec says otherwise, as in the CIFAR protocols.
    """
    groups = _groups(objective, spec, head) if _differ(spec) else objective.parameters()
    if spec.name == "adamw":
        return torch.optim.AdamW(groups, lr=spec.learning_rate, weight_decay=spec.weight_decay, fused=True)
    return torch.optim.SGD(
        groups,
        lr=spec.learning_rate,
        momentum=spec.momentum,
        nesterov=spec.nesterov,
        weight_decay=spec.weight_decay,
        fused=True,
    )


def learning_rate(spec: OptimizerSpec, plan: Plan, step: int) -> float:
    """The rate of a step counted from 0: linear warm-up, then the schedule."""
    warmup_steps = spec.warmup_epochs * plan.steps_per_epoch
    if step < warmup_steps:
        return spec.learning_rate * (step + 1) / warmup_steps
    if spec.schedule == "cosine":
        share = (step - warmup_steps) / max(1, plan.steps - warmup_steps)
        return spec.learning_rate * (1 + cos(pi * share)) / 2
    if spec.schedule == "step":
        if isinstance(spec.milestones, str):
            raise TypeError("milestones are not resolved")
        passed = sum(step >= milestone * plan.steps_per_epoch for milestone in spec.milestones)
        rate: float = spec.learning_rate / STEP_DIVISOR**passed
        return rate
    return spec.learning_rate


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The rate of the head; other groups take their share of it."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("share", 1.0)


def hold_body(optimizer: torch.optim.Optimizer, spec: OptimizerSpec, plan: Plan, step: int) -> None:
    """While the head warms up, drop the gradients of everything else: it is not moved, and momentum gathers nothing."""
    if step >= spec.head_warmup_epochs * plan.steps_per_epoch:
        return
    for group in optimizer.param_groups:
        if not group["head"]:
            for parameter in group["params"]:
                parameter.grad = None


@dataclass(frozen=True)
class _Kind:
    """What the parameters of a group have in common."""

    head: bool
    share: float  # of the learning rate
    decays: bool


def _differ(spec: OptimizerSpec) -> bool:
    """One group where all are treated alike: the optimizer state of checkpoints of earlier releases has one."""
    same_rate = spec.backbone_share == 1 and spec.layer_decay == 1
    return not same_rate or spec.head_warmup_epochs > 0 or not spec.decay_norms_and_biases


def _groups(objective: nn.Module, spec: OptimizerSpec, head: Collection[str]) -> list[dict[str, Any]]:
    """The head's first: the rate of the first group is the one that is reported."""
    found: dict[_Kind, list[nn.Parameter]] = {}
    for parameter, is_head, share in _placed(objective, spec, head):
        decays = spec.decay_norms_and_biases or parameter.ndim >= 2
        found.setdefault(_Kind(is_head, share, decays), []).append(parameter)
    return [
        {
            "params": found[kind],
            "head": kind.head,
            "share": kind.share,
            "weight_decay": spec.weight_decay if kind.decays else 0.0,
        }
        for kind in sorted(found, key=lambda kind: (not kind.head, -kind.share, not kind.decays))
    ]


def _placed(
    objective: nn.Module, spec: OptimizerSpec, head: Collection[str]
) -> Iterator[tuple[nn.Parameter, bool, float]]:
    """Each parameter with whether it is of the head, and its share of the rate.

    Networks register their layers from the image to the logits; a layer here is a weight of two dimensions or more and
    what follows it.
    """
    prefixes = tuple(f"model.{name}." for name in head)
    named = [(name, p, not name.startswith("model.") or name.startswith(prefixes)) for name, p in _all(objective)]
    layers = sum(p.ndim >= 2 for _, p, is_head in named if not is_head)
    before = 0
    for _, parameter, is_head in named:
        before += not is_head and parameter.ndim >= 2
        depth = max(0, before - 1) / layers if layers else 0.0
        yield parameter, is_head, 1.0 if is_head else spec.backbone_share * spec.layer_decay ** (1 - depth)


def _all(objective: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    return ((name, parameter) for name, parameter in objective.named_parameters() if parameter.requires_grad)
