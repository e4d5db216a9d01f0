"""What code that is already running can notice of a schema, and what it would trip over in the next one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
AND c.relname <> 'alembic_version'"""
_RULES = """
SELECT c.relname, k.conname, pg_get_constraintdef(k.oid),
    array(SELECT attname FROM pg_attribute WHERE attrelid = k.conrelid AND attnum = ANY(k.conkey))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = 'public'::regnamespace AND k.contype IN ('c', 'u', 'f', 'x') AND c.relname <> 'alembic_version'
UNION ALL
SELECT c.relname, i.relname, pg_get_indexdef(x.indexrelid),
    array(SELECT attname FROM pg_attribute WHERE attrelid = x.indrelid AND attnum = ANY(x.indkey))
FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND x.indisunique AND NOT x.indisprimary
AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid)"""


class Column(NamedTuple):
    type: str
    not_null: bool = False
    default: str | None = None


class Rule(NamedTuple):
    """A constraint, or a unique index."""

    definition: str
    columns: frozenset[str]


@dataclass(frozen=True)
class Schema:
    columns: dict[tuple[str, str], Column]  # (table, column)
    rules: dict[tuple[str, str], Rule]  # (table, name)

    @property
    def tables(self) -> set[str]:
        return {table for table, _ in self.columns}


def read(connection: psycopg.Connection) -> Schema:
    columns = {(table, name): Column(*rest) for table, name, *rest in connection.execute(_COLUMNS)}
    rules = {(table, name): Rule(text, frozenset(over)) for table, name, text, over in connection.execute(_RULES)}
    return Schema(columns, rules)


def breaks(before: Schema, after: Schema) -> list[str]:
    """What code written for `before` would fail on in `after`; nothing where the step only expands."""
    found = [f"table {table} is gone" for table in sorted(before.tables - after.tables)]
    for (table, name), old in before.columns.items():
        new = after.columns.get((table, name))
        if table in after.tables and new != old:
            found += _of_column(f"{table}.{name}", old, new)
    for (table, name), new in after.columns.items():
        if table in before.tables and (table, name) not in before.columns and new.not_null and new.default is None:
            found.append(f"{table}.{name} is new and must be given")
    for (table, name), rule in after.rules.items():
        known = {column for of, column in before.columns if of == table}
        if rule.columns & known and not _allows_all_of(before.rules.get((table, name)), rule):
            found.append(f"{table}: {name} refuses what was allowed")
    return found


def _of_column(name: str, old: Column, new: Column | None) -> list[str]:
    if new is None:
        return [f"{name} is gone"]
    found = []
    if new.type != old.type:
        found.append(f"{name} was {old.type} and is {new.type}")
    if new.not_null and not old.not_null:
        found.append(f"{name} may no longer be null")
    if new.not_null and new.default is None and old.default is not None:
        found.append(f"{name} has lost its default")
    return found


def _allows_all_of(old: Rule | None, new: Rule) -> bool:
    """The same, or a longer list of the same words."""
    if old is None:
        return False
    words = r"'[^']*'"
    same = re.sub(words, "", old.definition).split("ARRAY")[0] == re.sub(words, "", new.definition).split("ARRAY")[0]
    return old == new or (same and set(re.findall(words, old.definition)) <= set(re.findall(words, new.definition)))
