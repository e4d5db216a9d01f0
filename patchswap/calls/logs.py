"""A job's log: what is there, and what comes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from patchswap.resources import LogLine
from patchswap.resources.bound import Home

PAGE = 1000
PAUSE_SECONDS = 1.0  # as often as lines are written


def read(client: Home, job_id: str, *, after: int | None, tail: int | None, follow: bool) -> Iterator[LogLine]:
    """Each line once, in order."""
    seq, wanted = after, tail
    while True:
        # Asked before the lines: a job that is over by then says nothing more.
        is_over = not follow or client.jobs.get(job_id).is_over
        page = client.transport.get(f"/v1/jobs/{job_id}/logs", after=seq, tail=wanted, limit=PAGE)
        for item in page["data"]:
            line = LogLine.model_validate(item)
            yield line
            seq, wanted = line.seq, None
        if page["has_more"]:
            continue
        if is_over:
            return
        time.sleep(PAUSE_SECONDS)
