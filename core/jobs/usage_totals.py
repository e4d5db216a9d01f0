"""Totals of usage records: what a tenant's attempts used, by the day on which they ended, by project, by device."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.errors import Invalid

Group = Literal["day", "project", "device", "tenant"]
MOST_DAYS = 366
MOST_ROWS = 10_000
FIGURES = ("jobs", "attempts", "wall_seconds", "useful_seconds", "lost_seconds", "waiting_seconds", "device_seconds")
_COLUMNS: Mapping[Group, str] = {
    "day": "(u.ended_at AT TIME ZONE 'UTC')::date",
    "project": "u.project",
    # Records of 0.2's first days have the whole name of a processor.
    "device": "CASE WHEN u.device LIKE 'cpu%' THEN 'cpu' WHEN u.device IS NOT NULL THEN 'cuda' END",
    "tenant": "t.name",
}
_SUMS = """count(DISTINCT u.job_id) AS jobs, count(*) AS attempts,
    coalesce(sum(u.useful_seconds + u.lost_seconds + u.waiting_seconds), 0) AS wall_seconds,
    coalesce(sum(u.useful_seconds), 0) AS useful_seconds, coalesce(sum(u.lost_seconds), 0) AS lost_seconds,
    coalesce(sum(u.waiting_seconds), 0) AS waiting_seconds,
    coalesce(sum(u.useful_seconds * u.devices), 0) AS device_seconds
FROM usage_records u JOIN tenants t ON t.id = u.tenant_id
WHERE u.ended_at >= :since AND u.ended_at < :until AND (u.tenant_id = :tenant_id OR CAST(:tenant_id AS text) IS NULL)"""


def period(since: date | None, until: date | None) -> tuple[date, date]:
    """The first day and the one after the last, in UTC. Without them the last 30 days with today. Raises Invalid."""
    until = until or datetime.now(UTC).date() + timedelta(days=1)
    since = since or until - timedelta(days=30)
    if since >= until:
        raise Invalid(f"`from` must be before `to`; you sent {since} and {until}.", pointer="#query/from")
    if (until - since).days > MOST_DAYS:
        raise Invalid(f"Ask for at most {MOST_DAYS} days; you sent {(until - since).days}.", pointer="#query/from")
    return since, until


def groups(asked: str, known: Sequence[Group] = ("day", "project", "device")) -> tuple[Group, ...]:
    """Of names separated by commas, in their order. Empty: one total. Raises Invalid."""
    names = list(dict.fromkeys(name for name in asked.split(",") if name))
    if unknown := [name for name in names if name not in known]:
        raise Invalid(
            f"There is no group `{unknown[0][:64]}`. Take one or more of {', '.join(known)}.", pointer="#query/group"
        )
    return tuple(name for name in get_args(Group) if name in names)


def read(
    session: Session, tenant_id: str | None, period: tuple[date, date], by: Sequence[Group]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows in the order of their groups, and the total. `tenant_id` None: of all tenants. Raises Invalid."""
    since, until = (datetime.combine(day, time(), UTC) for day in period)
    values = {"since": since, "until": until, "tenant_id": tenant_id}
    total = dict(session.execute(text(f"SELECT {_SUMS}"), values).mappings().one())
    if not by:
        return [dict(total)], total
    names = ", ".join(f'{_COLUMNS[name]} AS "{name}"' for name in by)
    places = ", ".join(str(place) for place in range(1, len(by) + 1))
    grouped = f"SELECT {names}, {_SUMS} GROUP BY {places} ORDER BY {places} LIMIT {MOST_ROWS + 1}"
    rows = [dict(row) for row in session.execute(text(grouped), values).mappings()]
    if len(rows) > MOST_ROWS:
        raise Invalid(
            f"The answer has more than {MOST_ROWS:,} rows. Ask for fewer days or groups.", pointer="#query/group"
        )
    return rows, total


def as_csv(rows: Sequence[Mapping[str, Any]], by: Sequence[Group]) -> str:
    """Seconds to the millisecond."""
    file = io.StringIO()
    writer = csv.DictWriter(file, [*by, *FIGURES], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()})
    return file.getvalue()
