"""How much a file lost against the fp32 one, and how sure that is: the same images were asked of both."""

from dataclasses import dataclass, replace
from typing import Any

from contract.tasks import TERMS
from trainer.export.order import Order


@dataclass(frozen=True)
class Drop:
    """Of the task's headline figure, in points; `low` and `high` are its 95 % limits over the images drawn."""

    points: float
    low: float
    high: float
    least_shown: float | None  # no smaller limit can be shown to be kept by so many images

    def around(self, points: float) -> "Drop":
        """As wide, around another estimate: the trained network's figure may be of another machine's arithmetic."""
        moved = points - self.points
        return replace(self, points=points, low=self.low + moved, high=self.high + moved)

    def values(self) -> dict[str, Any]:
        return {
            "drop_points": self.points,
            "drop_interval_points": (self.low, self.high),
            "least_drop_shown_points": self.least_shown,
        }


def of(order: Order, reference: Any, found: Any, *, images: int) -> Drop:
    """`reference` and `found` are predictions of the same images in the same order."""
    vision, metric = order.vision, TERMS[order.pack.manifest.task].validated[0]
    before, after = (vision.validate(each)[metric] for each in (reference, found))
    low, high = vision.drop_interval(reference, found)
    least = vision.least_drop_shown(images)
    return Drop(100 * (before - after), 100 * low, 100 * high, None if least is None else 100 * least)
