"""When a run ends before its last epoch: validation has not improved for so long. The best weights are kept."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from contract.child.messages import Notice
from contract.specs import EarlyStoppingSpec


@dataclass
class EarlyStopping:
    """Its fields but the spec are its state, and in the checkpoint."""

    spec: EarlyStoppingSpec
    best: float | None = None  # of the metric
    best_epoch: int = 0
    stopped: bool = False
    weights: dict[str, Tensor] = field(default_factory=dict)  # of the best epoch, on the CPU

    def consider(self, values: dict[str, float], epoch: int, judged: nn.Module) -> None:
        """Look at an epoch's metrics; keep the weights that were judged, or find that it is time to stop."""
        value = values.get(self.spec.metric)
        if value is not None and self._is_better(value):
            self.best, self.best_epoch = value, epoch
            self.weights = {name: tensor.detach().to("cpu", copy=True) for name, tensor in judged.state_dict().items()}
        self.stopped = epoch - self.best_epoch >= self.spec.patience_epochs

    def notices(self, epoch: int) -> list[Notice]:
        """What a person should know when it is time to stop."""
        if not self.stopped:
            return []
        message = (
            f"{self.spec.metric} has not improved since epoch {self.best_epoch}: training ended after epoch {epoch}; "
            f"the weights of epoch {self.best_epoch} are published."
        )
        data = {"epoch": epoch, "best_epoch": self.best_epoch, "best": self.best}
        return [Notice(severity="info", code="stopped_early", message=message, data=data)]

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "best_epoch": self.best_epoch, "stopped": self.stopped, "weights": self.weights}

    def _is_better(self, value: float) -> bool:
        if self.best is None:
            return True
        gain = self.best - value if self.spec.metric == "val.nll" else value - self.best
        return gain > self.spec.min_delta
