"""The optimizer, and the learning rate as a pure function of the step."""

from math import cos, pi

import torch
from torch import nn

from contract.specs import OptimizerSpec, Plan

STEP_DIVISOR = 10  # as in the CIFAR protocols: x0.1 at each milestone


def build_optimizer(model: nn.Module, spec: OptimizerSpec) -> torch.optim.Optimizer:
    """Weight decay is applied to all parameters, the heads of a method too, as in the CIFAR protocols."""
    if spec.name == "adamw":
        return torch.optim.AdamW(model.parameters(), lr=spec.learning_rate, weight_decay=spec.weight_decay, fused=True)
    return torch.optim.SGD(
        model.parameters(),
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
    for group in optimizer.param_groups:
        group["lr"] = rate
