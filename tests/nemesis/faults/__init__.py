"""All faults, by the number they have in the matrix."""

from __future__ import annotations

from tests.nemesis.faults import doorbell, processes
from tests.nemesis.run import Fault

FAULTS: dict[str, Fault] = {fault.id: fault for family in (processes, doorbell) for fault in family.FAULTS}
