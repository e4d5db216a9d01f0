"""What the jobs of a tenant used: totals by day, project and kind of device."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from patchswap.resources import UsageReport
from patchswap.transport import Transport


class UsageCalls:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(
        self, *, since: date | None = None, until: date | None = None, group: Sequence[str] = ("day",)
    ) -> UsageReport:
        """From `since` to the day before `until`, in UTC; the last 30 days without them."""
        asked = {"from": since, "to": until, "group": ",".join(group)}
        return UsageReport.model_validate(self._transport.get("/v1/usage", **asked))

    def csv(self, *, since: date | None = None, until: date | None = None, group: Sequence[str] = ("day",)) -> str:
        """The same as CSV, with a line of headings."""
        asked = {"from": since, "to": until, "group": ",".join(group), "format": "csv"}
        given = {name: str(value) for name, value in asked.items() if value is not None}
        return self._transport.call("GET", "/v1/usage", params=given).text
