"""The statuses of a job, and which verb is legal in which. Terminal ones absorb: only `resume` leads out again."""

from typing import Literal

from core.errors import InvalidTransition

Status = Literal["queued", "running", "succeeded", "failed", "cancelled", "paused"]
Verb = Literal["cancel", "pause", "resume", "retry", "delete"]

PRUNED = "pruned: "  # how the reason begins by which a sweep ends a trial's job

TERMINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})

ALLOWED: dict[str, tuple[Verb, ...]] = {
    "queued": ("cancel", "pause"),
    "running": ("cancel", "pause"),
    "paused": ("cancel", "resume"),  # cancelled at once: nobody works on it
    "failed": ("resume", "retry", "delete"),
    "cancelled": ("resume", "retry", "delete"),
    "succeeded": ("delete",),
}


def require(verb: Verb, status: str) -> None:
    """Raises InvalidTransition, which names what is possible instead."""
    if verb not in ALLOWED[status]:
        raise InvalidTransition(verb, status, ALLOWED[status])
