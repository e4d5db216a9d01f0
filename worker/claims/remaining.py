"""What is left after the training: by what earlier jobs took, and by the rate at which this one goes on."""

import time
from collections.abc import Sequence

from contract.child.messages import Working
from contract.specs.estimate import Part

_LEAST_SHARE = 0.05  # of what was expected: so much is always left of a part that is not over


class Remaining:
    """The parts of a job after its training, one of them at a time being done."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._over: list[float] = []  # seconds that the parts took which are over
        self._begun_at: float | None = None
        self._activity = ""
        self._activity_at = 0.0
        self._activity_left = 0.0

    def begin(self) -> None:
        """The next part."""
        self._begun_at, self._activity, self._activity_left = time.monotonic(), "", 0.0

    def end(self) -> None:
        if self._begun_at is not None:
            self._over.append(time.monotonic() - self._begun_at)
            self._begun_at = None

    def on_working(self, message: Working) -> None:
        """The rate of an activity counts more than what was expected: attacks take as long as they take."""
        now = time.monotonic()
        if message.activity != self._activity:
            self._activity, self._activity_at = message.activity, now
        left = max(0, message.total - message.done)
        self._activity_left = (now - self._activity_at) * left / message.done if message.done else 0.0

    @property
    def seconds_done(self) -> float:
        return sum(self._over) + self._elapsed()

    @property
    def seconds_left(self) -> float:
        return self._left_of_this() + sum(self._expected(number) for number in range(self._next(), len(self._parts)))

    def phase_fraction(self) -> float:
        """Of the phase that is being done: parts that are over count whole."""
        if self._begun_at is None or len(self._over) >= len(self._parts):
            return 0.0
        phase = self._parts[len(self._over)].phase
        among = [number for number, part in enumerate(self._parts) if part.phase == phase]
        share = self._elapsed() / (self._elapsed() + self._left_of_this())
        return (sum(number < len(self._over) for number in among) + share) / len(among)

    def _next(self) -> int:
        """The first part that is not begun."""
        return len(self._over) + (self._begun_at is not None)

    def _elapsed(self) -> float:
        return 0.0 if self._begun_at is None else time.monotonic() - self._begun_at

    def _left_of_this(self) -> float:
        if self._begun_at is None or len(self._over) >= len(self._parts):
            return 0.0
        expected = self._expected(len(self._over))
        return max(expected - self._elapsed(), self._activity_left, expected * _LEAST_SHARE)

    def _expected(self, number: int) -> float:
        """As long as those of the phase took that are over, in proportion."""
        part = self._parts[number]
        over = [(one, took) for one, took in zip(self._parts, self._over, strict=False) if one.phase == part.phase]
        if not over:
            return part.seconds
        return part.seconds * sum(took for _, took in over) / sum(one.seconds for one, _ in over)
