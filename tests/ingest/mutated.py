"""`python -m tests.ingest.mutated COUNT SEED`: so many damaged images, one after the other, in this process.

Prints what became of them as one JSON object; a decoder that crashes takes the process with it, which is the point.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
import warnings
from pathlib import Path

from ingest.images.images import Unusable, from_file
from ingest.limits import Limits
from tests.ingest.test_damage import IMAGES, damaged

FORMS = list(IMAGES)


def change(drawn: random.Random) -> tuple[float, str, int]:
    """Half of them near the front, where formats keep their sizes and tables."""
    where = drawn.random() ** drawn.choice((1, 4))
    return where, drawn.choice(("flip", "cut", "put")), drawn.randint(1, 255)


def main(count: int, seed: int) -> dict[str, float]:
    drawn, limits = random.Random(seed), Limits()
    taken, slowest = 0, 0.0
    for number in range(count):
        file = damaged(IMAGES[FORMS[number % len(FORMS)]], [change(drawn) for _ in range(drawn.randint(1, 8))])
        started = time.process_time()
        try:
            from_file(file, limits)
            taken += 1
        except Unusable:
            pass
        slowest = max(slowest, time.process_time() - started)
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]
    return {"taken": taken, "refused": count - taken, "slowest_seconds": slowest, "peak_bytes": int(peak) * 1024}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
