"""The processes that train one network together, under torchrun: who is who, and what they must agree on.

Each has the whole data and the whole network and trains on its part of every step; DDP averages the gradients.
Process 0, the chief, alone speaks, validates and saves. A single process is a team of one and does none of this.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from trainer.errors import ended
from trainer.machine.stopping import StopRequest
from trainer.machine.synchronised_norm import synchronise_batch_norm

# A stop is agreed on every so many steps: each asking costs a round trip between the processes.
STEPS_BETWEEN_ASKING = 8
# While the chief validates or saves, the others wait for it.
PATIENCE = timedelta(hours=2)
Value = TypeVar("Value")


@dataclass(frozen=True)
class Team:
    rank: int = 0
    size: int = 1

    @property
    def is_chief(self) -> bool:
        return self.rank == 0

    def wrap(self, objective: nn.Module) -> nn.Module:
        """The module to call in a step: its backward pass averages the gradients over the team."""
        if self.size == 1:
            return objective
        synchronise_batch_norm(objective)
        return DistributedDataParallel(objective, broadcast_buffers=False)

    def collecting(self, module: nn.Module, *, last: bool) -> AbstractContextManager[None]:
        """Around a backward pass: gradients are exchanged in the last part of a step only."""
        if last or not isinstance(module, DistributedDataParallel):
            return nullcontext()
        return module.no_sync()

    def total(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """The sums over the team of scalars of one type, in one exchange."""
        if self.size == 1:
            return values
        sums = torch.stack(list(values.values()))
        distributed.all_reduce(sums)
        return dict(zip(values, sums, strict=True))

    def from_chief(self, value: Value) -> Value:
        """What the chief has; the others wait for it."""
        if self.size == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return box[0]

    def any_stop(self, stop: StopRequest, step: int) -> bool:
        """Whether someone was asked to stop. All of a team get the same answer in the same step."""
        if self.size == 1:
            return bool(stop)
        if step % STEPS_BETWEEN_ASKING:
            return False
        asked: list[bool] = [False] * self.size
        distributed.all_gather_object(asked, bool(stop))
        return any(asked)


ALONE = Team()


def join() -> tuple[Team, torch.device | None]:
    """This process's place in its team, and its GPU, by what torchrun left in the environment."""
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    if size == 1:
        return ALONE, None
    if not torch.cuda.is_available():
        distributed.init_process_group("gloo", timeout=PATIENCE)
        return Team(rank, size), None
    if torch.cuda.device_count() < size:
        message = f"The job asks for {size} devices; this worker has {torch.cuda.device_count()} GPUs."
        raise ended("too_few_devices", message)
    mine = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.cuda.set_device(mine)
    distributed.init_process_group("cpu:gloo,cuda:nccl", timeout=PATIENCE, device_id=mine)
    return Team(rank, size), mine
