"""usage: what the jobs of a tenant used."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from patchswap.cli.output import Json, connect, duration, emit, table

_DAY = ["%Y-%m-%d"]
Since = Annotated[
    datetime | None, typer.Option("--from", formats=_DAY, help="First day, in UTC. Default: 30 days back.")
]
Until = Annotated[
    datetime | None, typer.Option("--to", formats=_DAY, help="End in UTC; this day is not included. Default: tomorrow.")
]


def usage(
    since: Since = None,
    until: Until = None,
    group: Annotated[
        str, typer.Option(help="Group by day, project, device: one or more, separated by commas.")
    ] = "day",
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, in seconds.")] = False,
    as_json: Json = False,
) -> None:
    """Show the time that jobs used: useful, lost to faults of the platform, waiting."""
    days = {"since": since.date() if since else None, "until": until.date() if until else None}
    names = [name.strip() for name in group.split(",") if name.strip()]
    with connect() as client:
        if csv:
            typer.echo(client.usage.csv(**days, group=names), nl=False)
            return
        found = client.usage.get(**days, group=names)
    headings = (*found.group, "jobs", "attempts", "wall", "useful", "lost", "waiting", "device time")
    rows = [
        (
            *(getattr(row, name) for name in found.group),
            *(row.jobs, row.attempts),
            *map(duration, (row.wall_seconds, row.useful_seconds, row.lost_seconds, row.waiting_seconds)),
            duration(row.device_seconds),
        )
        for row in found.data
    ]
    text = table([name.upper() for name in headings], rows)
    emit(found.model_dump(mode="json", by_alias=True), as_json=as_json, text=text)
