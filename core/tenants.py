"""`python -m core.tenants VERB`: tenants, for whoever runs the service. `patchswap tenants` runs it.

It writes to the ledger itself, so it needs the service's own settings and no key.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import queue
from core.accounts import keys
from core.database.database import transaction
from core.errors import Conflict, DomainError
from core.ids import new_id
from core.jobs import suspension, usage_totals
from core.tables import ApiKey, Job, Tenant

OPERATOR = "operator"  # the tenant of operators' keys, which has no data
_GROUPS: tuple[usage_totals.Group, ...] = ("tenant", "day", "project", "device")
Told = tuple[Any, str]  # for programs, for people


class TenantExists(Conflict):
    """A tenant of this name exists. To give it another key, run `python -m core.bootstrap --name NAME`."""


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    verb: Callable[[Session, argparse.Namespace], Told] = asked.verb
    try:
        with transaction() as session:
            told, text = verb(session, asked)
    except DomainError as error:
        sys.stderr.write(f"{error.detail}\n")
        return 1
    sys.stdout.write((json.dumps(told, default=str) if asked.json else text.rstrip("\n")) + "\n")
    if verb is _resume:
        all(queue.ring("worker.train", job_id) for job_id in told["resumed"])
    return 0


def _create(session: Session, asked: argparse.Namespace) -> Told:
    if session.scalars(select(Tenant.id).where(Tenant.name == asked.name)).one_or_none() is not None:
        raise TenantExists
    tenant = Tenant(id=new_id("tnt"), name=asked.name)
    session.add(tenant)
    session.flush()
    row, secret = keys.create(session, tenant.id, name="first", scopes=keys.SCOPES)
    return {"tenant_id": tenant.id, "name": tenant.name, "key_id": row.id, "api_key": secret}, secret


def _list(session: Session, _: argparse.Namespace) -> Told:
    jobs = {
        status: select(func.count()).where(Job.tenant_id == Tenant.id, Job.status == status).scalar_subquery()
        for status in ("running", "queued")
    }
    valid = select(func.count()).where(ApiKey.tenant_id == Tenant.id, ApiKey.revoked_at.is_(None)).scalar_subquery()
    columns = (Tenant.id, Tenant.name, Tenant.created_at, Tenant.suspended_at, Tenant.suspended_reason)
    counted = (valid.label("keys"), *(count.label(f"{status}_jobs") for status, count in jobs.items()))
    found = [dict(row) for row in session.execute(select(*columns, *counted).order_by(Tenant.name)).mappings()]
    lines = [
        f"{row['id']}  {row['name']}: {row['keys']} keys, {row['running_jobs']} running and {row['queued_jobs']} "
        f"queued jobs{_suspended(row)}"
        for row in found
    ]
    return found, "\n".join(lines)


def _suspended(row: dict[str, Any]) -> str:
    return f"; suspended since {row['suspended_at']:%Y-%m-%d}: {row['suspended_reason']}" if row["suspended_at"] else ""


def _suspend(session: Session, asked: argparse.Namespace) -> Told:
    tenant, pausing = suspension.suspend(session, asked.name, reason=asked.reason)
    text = f"{tenant.name} is suspended; its keys are refused, {len(pausing)} running jobs save a checkpoint and pause"
    return {"tenant_id": tenant.id, "reason": tenant.suspended_reason, "pausing": pausing}, text


def _resume(session: Session, asked: argparse.Namespace) -> Told:
    tenant, resumed = suspension.resume(session, asked.name)
    lines = [f"{tenant.name} is resumed; {len(resumed.job_ids)} jobs go on"]
    lines += [f"{job_id} stays paused: {why}" for job_id, why in resumed.refused.items()]
    return {"tenant_id": tenant.id, "resumed": resumed.job_ids, "refused": resumed.refused}, "\n".join(lines)


def _operator_key(session: Session, asked: argparse.Namespace) -> Told:
    tenant = keys.ensure_tenant(session, OPERATOR)
    row, secret = keys.create(session, tenant.id, name=asked.name, scopes=("operator",))
    return {"tenant_id": tenant.id, "key_id": row.id, "api_key": secret}, secret


def _usage(session: Session, asked: argparse.Namespace) -> Told:
    by, days = usage_totals.groups(asked.group, _GROUPS), usage_totals.period(asked.since, asked.until)
    rows, total = usage_totals.read(session, None, days, by)
    told = {"from": days[0], "to": days[1], "group": list(by), "data": rows, "total": total}
    return told, usage_totals.as_csv(rows, by)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core.tenants", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def add(name: str, verb: Callable[[Session, argparse.Namespace], Told], text: str) -> argparse.ArgumentParser:
        each = verbs.add_parser(name, help=text, description=text)
        each.set_defaults(verb=verb)
        return each

    add("create", _create, "Create a tenant and print its first key.").add_argument("name", type=_name)
    add("list", _list, "List tenants with their keys and jobs.")
    suspend = add("suspend", _suspend, "Refuse a tenant's keys and pause its jobs.")
    suspend.add_argument("name")
    suspend.add_argument("--reason", type=_name, required=True, help="told to whoever uses one of its keys")
    add("resume", _resume, "Accept its keys again and continue its jobs.").add_argument("name")
    operator = add("operator-key", _operator_key, "Print a new key that reads /metrics and nothing else.")
    operator.add_argument("--name", type=_name, default="metrics", help="what the key is for")
    usage = add("usage", _usage, "Print what all tenants used, as CSV.")
    usage.add_argument("--from", dest="since", type=date.fromisoformat, metavar="DAY")
    usage.add_argument("--to", dest="until", type=date.fromisoformat, metavar="DAY")
    usage.add_argument("--group", default="tenant,day", help=f"of {', '.join(_GROUPS)}, separated by commas")
    return parser


def _name(text: str) -> str:
    """Raises ArgumentTypeError."""
    if not (text := text.strip()) or len(text) > 200 or not text.isprintable():
        raise argparse.ArgumentTypeError("1 to 200 printable characters are needed")
    return text


if __name__ == "__main__":
    sys.exit(main())
