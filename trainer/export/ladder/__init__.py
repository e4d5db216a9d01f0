"""The fallback ladder of an int8 export: rungs are tried in their order until a file keeps its constraints.

Which file is taken is decided on images that are not the held-out split's; that split then judges the one file taken.
"""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from contract.child.messages import Message, Notice
from contract.formats import Precision
from contract.results.exported import Candidate
from trainer.errors import ended
from trainer.export import model_files
from trainer.export.ladder.attempts import Attempt, Workshop
from trainer.export.ladder.judging import Judge, hopeless
from trainer.export.order import Order
from trainer.export.qat.operators import Unlearnable


@dataclass(frozen=True)
class Climbed:
    """`folders`: the model that was taken, then the fp32 one. Where none is good enough it is the nearest to it."""

    folders: list[Path]
    taken: Candidate
    candidates: list[Candidate]

    @property
    def precision(self) -> Precision:
        return "fp16" if self.taken.rung == "fp16" else "int8"


def climb(order: Order, net: nn.Module, scratch: Path) -> Generator[Message, None, Climbed]:
    """Make files until one is good enough; each is a notice. Raises TrainerError."""
    fp32 = scratch / "fp32"
    yield from model_files.convert(order, order.source(net), fp32)
    model_files.annotate(order, fp32)
    judge = yield from Judge.over(order, fp32)
    workshop = Workshop(order, net, fp32, scratch, judge)
    candidates: list[Candidate] = []
    folders: list[Path] = []  # of the candidates, even where there is nothing in it
    for rung in order.export.ladder.rungs:
        for attempt in workshop.attempts(rung):
            folder = scratch / f"candidate-{len(candidates)}"
            folder.mkdir()
            candidate = yield from _make(workshop, attempt, candidates, folder)
            candidates.append(candidate)
            folders.append(folder)
            yield _notice(candidate)
            if candidate.meets:
                return Climbed([folder, fp32], candidate, candidates)
            if candidate.samples is None:
                break  # nor can this rung's others be tried
    nearest = min((c for c in candidates if c.samples), key=_distance, default=None)
    if nearest is None:
        reasons = " ".join(reason for candidate in candidates for reason in candidate.reasons)
        raise ended("ladder_empty", f"None of the ladder's rungs could be tried. {reasons}")
    return Climbed([folders[candidates.index(nearest)], fp32], nearest, candidates)


def _make(
    workshop: Workshop, attempt: Attempt, before: list[Candidate], folder: Path
) -> Generator[Message, None, Candidate]:
    """The candidate, measured; or why it was not tried."""
    order = workshop.order
    obstacle = workshop.obstacle(attempt.rung) or hopeless(attempt.rung, before, order.export.constraints)
    if obstacle:
        return Candidate(rung=attempt.rung, reasons=[obstacle])
    try:
        candidate = yield from attempt.write(folder)
    except Unlearnable as error:
        return Candidate(rung=attempt.rung, reasons=[f"Not tried: {error}."])
    model_files.annotate(order, folder)
    return (yield from workshop.judge.judge(candidate, folder))


def _distance(candidate: Candidate) -> tuple[int, float, int]:
    """How far from being good enough: by what it breaks, then by what is lost."""
    return len(candidate.reasons), candidate.drop_points or 0.0, candidate.model_bytes or 0


def _notice(candidate: Candidate) -> Notice:
    name = f"{candidate.rung}, {len(candidate.fp32_layers)} layers in fp32" if candidate.fp32_layers else candidate.rung
    verdict = "is good enough" if candidate.meets else f"is not taken. {' '.join(candidate.reasons)}"
    figures = (
        f" ({candidate.drop_points:.2f} points below on {candidate.samples} {candidate.split} images, "
        f"{candidate.model_bytes:,} bytes, {candidate.latency_ms_p50:.3f} ms)"
        if candidate.samples
        else ""
    )
    message = f"Export candidate {name}{figures} {verdict}"
    return Notice(severity="info", code="export_candidate", message=message, data=candidate.model_dump(mode="json"))
