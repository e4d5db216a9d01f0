"""The fallback ladder of an int8 export: rungs are tried in their order until a file keeps its constraints.

Which file is taken is decided on images that are not the held-out split's; that split then judges the one file taken.
Where it finds a drop that is too large by no more than noise, the ladder goes on, and the next file is judged there.
"""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from contract.child.messages import Message, Notice
from contract.formats import Precision
from contract.results.exported import Candidate
from contract.tasks import TERMS
from trainer.errors import ended
from trainer.export.ladder.climbing import Climb
from trainer.export.measuring import gate, measurement
from trainer.export.measuring.measurement import Measurement
from trainer.export.order import Order


@dataclass(frozen=True)
class Climbed:
    """`folders`: the model that was taken, then the fp32 one. Where none is good enough it is the nearest to it."""

    folders: list[Path]
    taken: Candidate
    candidates: list[Candidate]
    found: Measurement  # on the held-out split

    @property
    def precision(self) -> Precision:
        return "fp16" if self.taken.rung == "fp16" else "int8"


def climb(order: Order, net: nn.Module, scratch: Path) -> Generator[Message, None, Climbed]:
    """Make files until one is good enough on both kinds of images. Raises TrainerError."""
    way = yield from Climb.begin(order, net, scratch)
    metric = TERMS[order.pack.manifest.task].headline_name
    judged: dict[int, Measurement] = {}
    while (place := (yield from way.go_on())) is not None:
        judged[place] = yield from measurement.measure(order, net, [way.folders[place], way.workshop.fp32])
        values = judged[place].values
        broken = gate.violations(order.export.constraints, values, metric=metric)
        if not broken:
            return _taken(way, place, judged[place])
        if len(broken) > 1 or not gate.within_noise(order.export.constraints, values):
            break
        way.candidates[place] = way.candidates[place].model_copy(update={"held_out": broken})
        yield _goes_on(broken[0])
    if judged:
        place = min(judged, key=lambda place: judged[place].values["drop_points"])
        return _taken(way, place, judged[place])
    place = _nearest(way.candidates)
    found = yield from measurement.measure(order, net, [way.folders[place], way.workshop.fp32])
    return _taken(way, place, found)


def _taken(way: Climb, place: int, found: Measurement) -> Climbed:
    return Climbed([way.folders[place], way.workshop.fp32], way.candidates[place], way.candidates, found)


def _nearest(candidates: list[Candidate]) -> int:
    """The place of what breaks least, then lost least. Raises TrainerError where nothing could be tried."""
    tried = [place for place, candidate in enumerate(candidates) if candidate.samples]
    if not tried:
        reasons = " ".join(reason for candidate in candidates for reason in candidate.reasons)
        raise ended("ladder_empty", f"None of the ladder's rungs could be tried. {reasons}")

    def distance(place: int) -> tuple[int, float, int]:
        candidate = candidates[place]
        return len(candidate.reasons), candidate.drop_points or 0.0, candidate.model_bytes or 0

    return min(tried, key=distance)


def _goes_on(broken: str) -> Notice:
    message = f"{broken} That is within noise, so the ladder goes on to its next rung."
    return Notice(severity="info", code="gate_within_noise", message=message, data={})
