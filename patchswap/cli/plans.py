"""What a training will do, said before it does it: what the default recipe chose and why, and how long it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchswap.cli.output import duration, note, printable, size
from patchswap.errors import ApiError

if TYPE_CHECKING:
    from patchswap.client import Client
    from patchswap.resources import Chosen, Estimate


def announce(client: Client, body: Mapping[str, Any]) -> None:
    """Notes on what a body would train, where it names no recipe. A service that cannot tell is no failure."""
    try:
        chosen, estimate = client.jobs.validate(body).chosen, client.jobs.estimate(body)
    except ApiError as error:
        note(f"A forecast of the training is not available: {error}.")
        return
    for line in lines(chosen, estimate):
        note(line)


def lines(chosen: Chosen | None, estimate: Estimate | None) -> list[str]:
    found = []
    if chosen:
        found.append(f"default recipe {chosen.recipe}:")
        found += [f"  - {printable(reason)}" for reason in chosen.reasons]
    if estimate:
        between = f"{duration(estimate.seconds_low)} to {duration(estimate.seconds_high)}"
        costs = f"{size(estimate.memory_bytes)} of memory, {estimate.images_seen:,} images seen"
        found += [
            f"estimate: {duration(estimate.seconds)} ({between}), {costs}",
            f"  basis: {printable(estimate.how)}",
        ]
    return found
