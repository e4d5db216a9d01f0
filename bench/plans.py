"""Which indexes Postgres takes for the statements that some work sends: each is explained as it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from sqlalchemy import Connection, Engine, event


class Plans:
    """While this context lasts, statements sent through the engine are explained before they run."""

    def __init__(self, engine: Engine) -> None:
        self.indexes: set[str] = set()
        self.scanned: set[str] = set()  # tables read whole
        self._engine = engine

    def __enter__(self) -> Self:
        event.listen(self._engine, "before_cursor_execute", self._explain)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._explain)

    def _explain(
        self,
        _: Connection,
        cursor: Any,
        statement: str,
        parameters: Any,
        __: Any,
        executemany: bool,  # noqa: FBT001
    ) -> None:
        if not executemany:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            for node in _nodes(cursor.fetchone()[0][0]["Plan"]):
                self._note(node)

    def _note(self, node: dict[str, Any]) -> None:
        if "Index Name" in node:
            self.indexes.add(node["Index Name"])
        if node["Node Type"] == "Seq Scan":
            self.scanned.add(node["Relation Name"])


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)
