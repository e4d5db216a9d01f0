"""The service's published figures: `python bench/service.py [NAME ...] [--quick] [--json FILE]`.

Prints a table of measure, figure, goal and whether it was met. What each one measures is in the module of its name.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import figures
import ledger
import overhead
import polling
import short_turns
import thumbnails
import transfer
import turns
import writes
from figures import Figure

MEASUREMENTS: dict[str, Callable[..., list[Figure]]] = {
    "overhead": overhead.measure,
    "polls": polling.measure,
    "uploads": transfer.measure,
    "thumbnails": thumbnails.measure,
    "ledger": ledger.measure,
    "writes": writes.measure,
    "turns": turns.measure,
    "short_turns": short_turns.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(MEASUREMENTS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="small sizes: proves that it runs, not how fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the raw numbers there")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"no measurement is called {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped, what was written removed
    machine = figures.machine()
    print(f"{machine}\n", flush=True)
    found = []
    for name in asked.names or MEASUREMENTS:
        started = time.monotonic()
        found += MEASUREMENTS[name](quick=asked.quick)
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    print(f"\n{figures.table(found)}")
    if asked.json:
        content = {"machine": machine, "quick": asked.quick, "figures": [dataclasses.asdict(one) for one in found]}
        asked.json.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
