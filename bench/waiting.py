"""How long the one piece of work of a small tenant waits behind a crowd's, in lengths of a mean piece of work.

Claims are real; the work only takes time, which is drawn at random, counted and not spent.
"""

from __future__ import annotations

import heapq
import random
import statistics
from itertools import count
from typing import Any, Protocol

from figures import Figure

WORKERS = 4
GOAL_LENGTHS = 1.0  # a worker is free after a mean length at the latest, and the one is next


class Crowd(Protocol):
    """Work of one tenant that waits in a real ledger, and one piece of another's."""

    def set_back(self) -> None:
        """The crowd waits again, and nobody else."""

    def submit_the_one(self) -> None: ...

    def claim(self) -> tuple[Any, bool]:
        """What a worker claims next, and whether it is the one."""

    def end(self, claimed: Any) -> None: ...


def waits(crowd: Crowd, samples: int) -> list[float]:
    rng = random.Random(1)
    return [_wait(crowd, rng) for _ in range(samples)]


def _wait(crowd: Crowd, rng: random.Random) -> float:
    """From the one's submission until a worker claims it."""
    crowd.set_back()
    now, asked_at, order, submitted = 0.0, rng.uniform(1, 3), count(), False
    busy: list[tuple[float, int, Any]] = []
    while True:
        if not submitted and now >= asked_at:
            crowd.submit_the_one()
            submitted = True
        while len(busy) < WORKERS:
            claimed, is_the_one = crowd.claim()
            if is_the_one:
                return now - asked_at
            heapq.heappush(busy, (now + rng.expovariate(1), next(order), claimed))
        now, _, claimed = heapq.heappop(busy)
        crowd.end(claimed)


def figures(what: str, length: str, in_turn: list[float], in_order: list[float]) -> list[Figure]:
    """`what` waits; `length` names the unit."""
    p99 = statistics.quantiles(in_turn, n=100, method="inclusive")[98]
    told = f"p50 {statistics.median(in_turn):.2f}, p99 {p99:.2f} {length}, n = {len(in_turn)}"
    before = f"p50 {statistics.median(in_order):.0f} {length}, n = {len(in_order)}"
    what = f"wait of {what}, {WORKERS} workers"
    return [
        Figure(f"{what}, in turn", told, f"p50 <= {GOAL_LENGTHS:g}", statistics.median(in_turn) <= GOAL_LENGTHS),
        Figure(f"{what}, in the order of submission", before, values={"in_turn": in_turn, "in_order": in_order}),
    ]
