"""The network's own loss: the control every method of detection is compared with.

loss = classes + boxes (+ centre-ness), as torchvision has them for each network, unweighted                 [V]
"""

from torch import Tensor

from trainer.methods.method import Batch, Judged, Method
from trainer.methods.network import Network
from trainer.tasks.detection.network import Detector, Maps, Targets

_NAMES = {"classification": "class_loss", "bbox_regression": "box_loss", "bbox_ctrness": "centre_loss"}


class DetectionLoss(Method):
    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self._detector = [detector]  # in a list, so that its weights are not counted as a head's

    @property
    def detector(self) -> Detector:
        return self._detector[0]

    def judge(self, batch: Batch, network: Network) -> Judged:
        maps = network(batch.images_BCHW).said
        losses, _ = self.found(maps, batch.targets)
        return Judged(losses, maps, batch.targets)

    def found(self, maps: Maps, targets: Targets) -> tuple[dict[str, Tensor], Tensor]:
        """The losses, `loss` their sum, and which box each anchor was to find, (B, A)."""
        assigned_BA = self.detector.assign(targets)
        terms = self.detector.loss(maps, targets, assigned_BA)
        named = {_NAMES[name]: term.detach() for name, term in terms.items()}
        return {"loss": sum(terms.values(), start=maps["cls_logits"].new_zeros(())), **named}, assigned_BA
