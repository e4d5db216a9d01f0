"""The rungs in their order, from one candidate that is good enough to the next, by images that are not the held-out."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from contract.child.messages import Message, Notice
from contract.results.exported import Candidate
from trainer.export import model_files
from trainer.export.ladder.attempts import Attempt, Workshop
from trainer.export.ladder.judging import Judge, hopeless
from trainer.export.order import Order
from trainer.export.qat.operators import Unlearnable


@dataclass
class Climb:
    workshop: Workshop
    candidates: list[Candidate] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)  # of the candidates, even where there is nothing in it
    attempts: Iterator[Attempt] = field(init=False)

    def __post_init__(self) -> None:
        self.attempts = self._in_order()

    @classmethod
    def begin(cls, order: Order, net: nn.Module, scratch: Path) -> Generator[Message, None, "Climb"]:
        fp32 = scratch / "fp32"
        yield from model_files.convert(order, order.source(net), fp32)
        model_files.annotate(order, fp32)
        judge = yield from Judge.over(order, fp32)
        return cls(Workshop(order, net, fp32, scratch, judge))

    def go_on(self) -> Generator[Message, None, int | None]:
        """The place of the next candidate that is good enough; None where no rung is left. Each is a notice."""
        for attempt in self.attempts:
            folder = self.workshop.scratch / f"candidate-{len(self.candidates)}"
            folder.mkdir()
            candidate = yield from self._make(attempt, folder)
            self.candidates.append(candidate)
            self.folders.append(folder)
            yield _notice(candidate, self.candidates)
            if candidate.meets:
                return len(self.candidates) - 1
        return None

    def _in_order(self) -> Iterator[Attempt]:
        for rung in self.workshop.order.export.ladder.rungs:
            for attempt in self.workshop.attempts(rung):
                yield attempt
                if self.candidates[-1].samples is None:
                    break  # nor can this rung's others be tried

    def _make(self, attempt: Attempt, folder: Path) -> Generator[Message, None, Candidate]:
        """The candidate, measured; or why it was not tried."""
        workshop = self.workshop
        constraints = workshop.order.export.constraints
        if obstacle := workshop.obstacle(attempt.rung) or hopeless(attempt.rung, self.candidates, constraints):
            return Candidate(rung=attempt.rung, reasons=[obstacle])
        try:
            made = yield from attempt.write(folder)
        except Unlearnable as error:
            return Candidate(rung=attempt.rung, reasons=[f"Not tried: {error}."])
        model_files.annotate(workshop.order, folder)
        judged = yield from workshop.judge.judge(made, folder)
        return judged.model_copy(update={"like": (yield from self._like(folder))})

    def _like(self, folder: Path) -> Generator[Message, None, list[int]]:
        """Places of the candidates that the images cannot tell from this file."""
        found = []
        for place, (candidate, other) in enumerate(zip(self.candidates, self.folders, strict=True)):
            if candidate.samples:
                apart = yield from self.workshop.judge.lost(folder, other)
                if apart.low <= 0 <= apart.high:
                    found.append(place)
        return found


def _notice(candidate: Candidate, candidates: list[Candidate]) -> Notice:
    name = f"{candidate.rung}, {len(candidate.fp32_layers)} layers in fp32" if candidate.fp32_layers else candidate.rung
    verdict = "is good enough." if candidate.meets else f"is not taken. {' '.join(candidate.reasons)}"
    message = f"Export candidate {name}{_figures(candidate)} {verdict}{_likeness(candidate, candidates)}"
    return Notice(severity="info", code="export_candidate", message=message, data=candidate.model_dump(mode="json"))


def _figures(candidate: Candidate) -> str:
    if not candidate.samples or candidate.drop_interval_points is None:
        return ""
    low, high = candidate.drop_interval_points
    return (
        f" ({candidate.drop_points:.2f} points below on {candidate.samples} {candidate.split} images, 95 % interval "
        f"{low:.2f} to {high:.2f}, {candidate.model_bytes:,} bytes, {candidate.latency_ms_p50:.3f} ms)"
    )


def _likeness(candidate: Candidate, candidates: list[Candidate]) -> str:
    if not candidate.like:
        return ""
    others = ", ".join(f"{place + 1} ({candidates[place].rung})" for place in candidate.like)
    return f" By these images it cannot be told apart from candidate {others}."
