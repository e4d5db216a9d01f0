"""All faults, by the number they have in the matrix."""

from __future__ import annotations

from tests.nemesis.faults import (
    bitwise,
    chaos,
    checkpoints,
    clocks,
    crowds,
    doorbell,
    embedded,
    ledger,
    migration,
    partitions,
    processes,
    requests,
    stops,
    store,
    suspended,
    webhooks,
)
from tests.nemesis.run import Fault

_FAMILIES = (
    processes,
    checkpoints,
    doorbell,
    ledger,
    store,
    clocks,
    partitions,
    requests,
    bitwise,
    chaos,
    migration,
    embedded,
    webhooks,
    stops,
    suspended,
    crowds,
)
FAULTS: dict[str, Fault] = {
    fault.id: fault
    for fault in sorted((fault for family in _FAMILIES for fault in family.FAULTS), key=lambda each: int(each.id[1:]))
}
