"""Batch norm whose statistics are those of the whole step, however many processes share it.

torch has it for GPUs only; on a CPU, where teams are tested, it is written out with a differentiable sum over the team.
Shapes: B batch, C channels, H height, W width.
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn


def synchronise_batch_norm(module: nn.Module) -> None:
    """Let every batch norm below a module share its statistics. Parameters and buffers stay the same objects."""
    on_gpu = next(module.parameters()).is_cuda
    for parent in module.modules():
        for name, child in parent.named_children():
            if _kind(child):  # of a frozen one, the class is another
                setattr(parent, name, _of_gpus(child) if on_gpu else _share(child))


class SharedBatchNorm2d(nn.BatchNorm2d):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        if not self.training:
            return super().forward(input)
        values = input.float()
        wide = values.double()  # a variance as a difference of sums: float32 would lose half its digits
        own = torch.cat([wide.sum((0, 2, 3)), wide.square().sum((0, 2, 3)), wide.new_tensor([wide[:, 0].numel()])])
        sums: Tensor = _TeamSum.apply(own)  # type: ignore[no-untyped-call] # torch has no types for it
        count = sums[-1].detach()
        mean_C, square_C = (sums[:-1] / count).chunk(2)
        variance_C = square_C - mean_C.square()
        self._track(mean_C.detach().float(), (variance_C.detach() * count / (count - 1)).float())
        scale_C = self.weight * torch.rsqrt(variance_C + self.eps)
        offset_C = self.bias - mean_C * scale_C
        return (values * scale_C.float()[:, None, None] + offset_C.float()[:, None, None]).to(input.dtype)

    @torch.no_grad()
    def _track(self, mean_C: Tensor, variance_C: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None  # noqa: S101, PT018 - all our nets track
        assert self.num_batches_tracked is not None and self.momentum is not None  # noqa: S101, PT018
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean_C, self.momentum)
        self.running_var.lerp_(variance_C, self.momentum)


class SharedBatchNormAct2d(SharedBatchNorm2d):
    """timm's norm, which has its network's dropout and activation inside."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        activated: Tensor = self.get_submodule("act")(self.get_submodule("drop")(super().forward(input)))
        return activated


class _TeamSum(torch.autograd.Function):
    """The sum over the team, whose gradient is the sum of the team's gradients."""

    @staticmethod
    def forward(_context: Any, own: Tensor) -> Tensor:
        return _summed(own)

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        return _summed(gradient)


def _summed(own: Tensor) -> Tensor:
    sums = own.clone()
    distributed.all_reduce(sums)
    return sums


def _kind(module: nn.Module) -> type[SharedBatchNorm2d] | None:
    """By name: to import timm takes seconds, and a network of another library is trained without it."""
    return _KINDS.get(type(module).__name__)


_KINDS = {"BatchNorm2d": SharedBatchNorm2d, "BatchNormAct2d": SharedBatchNormAct2d}


def _of_gpus(norm: nn.Module) -> nn.Module:
    if type(norm) is nn.BatchNorm2d:
        plain: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(norm)
        return plain
    from timm import layers  # noqa: PLC0415 - only where its networks are trained by a team

    converted: nn.Module = layers.convert_sync_batchnorm(norm)
    return converted


def _share(norm: nn.Module) -> nn.Module:
    kind: Any = _kind(norm)
    norm.__class__ = kind
    return norm
