"""Network and method as one module: what one step differentiates, and what several devices share."""

from torch import nn

from trainer.machine.device import Precision
from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Student
from trainer.methods.teacher import Teacher


class Objective(nn.Module):
    """However often a method runs the network, to those who synchronise gradients it is one forward pass."""

    def __init__(self, model: nn.Module, method: Method, *, precision: Precision, teacher: Teacher | None) -> None:
        super().__init__()
        self.model, self.method = model, method
        self._network = Student(model, method, precision=precision, teacher=teacher)

    def forward(self, batch: Batch) -> Judged:
        return self.method.judge(batch, self._network)
