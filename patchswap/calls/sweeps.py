"""Sweeps: create, follow, end, delete. A client that goes away never ends one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from patchswap.calls import pages, waiting
from patchswap.errors import BadInput, SweepUnsuccessful
from patchswap.resources import Bound, Job, Resource
from patchswap.resources.bound import Home
from patchswap.transport import Transport


class Trial(Resource):
    """One job of a sweep."""

    number: int
    job_id: str | None = None
    status: Literal["running", "complete", "pruned", "failed", "cancelled"]
    params: dict[str, Any]  # path into the spec -> the value tried
    value: float | None = None  # of the sweep's metric
    epochs: int = 0
    reason: str | None = None


class Sweep(Bound):
    id: str
    name: str | None = None
    status: Literal["running", "succeeded", "failed", "cancelled"]
    dataset_id: str | None = None
    dataset_version_id: str | None = None
    spec: dict[str, Any]
    labels: dict[str, str]
    counts: dict[str, int]
    trials: tuple[Trial, ...] = ()  # not in lists
    best: Trial | None = None
    final_job_id: str | None = None
    error: dict[str, Any] | None = None
    created_at: datetime
    finished_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.status != "running"

    def refresh(self) -> Sweep:
        return self.client.sweeps.get(self.id)

    def watch(self) -> Iterator[Sweep]:
        """The sweep each time it changed, until it is over."""
        return self.client.sweeps.watch(self.id)

    def wait(self, timeout_seconds: float | None = None) -> Sweep:
        """The sweep once its final job succeeded. Raises SweepUnsuccessful, WaitTimeout."""
        return self.client.sweeps.wait(self.id, timeout_seconds=timeout_seconds)

    def final_job(self) -> Job:
        """The best trial's values as a whole job. Raises BadInput before there is one."""
        if self.final_job_id is None:
            raise BadInput(f"Sweep {self.id} has no final job yet. Wait for its trials.")
        return self.client.jobs.get(self.final_job_id)

    def cancel(self) -> Sweep:
        return self.client.sweeps.cancel(self.id)

    def delete(self, *, with_jobs: bool = False) -> None:
        self.client.sweeps.delete(self.id, with_jobs=with_jobs)


class Sweeps:
    def __init__(self, client: Home) -> None:
        self._client = client
        self._transport: Transport = client.transport

    def create(self, body: Mapping[str, Any] | None = None, **fields: Any) -> Sweep:
        """A running sweep; `fields` go over `body`: `dataset="ds_..."`, `space={...}`, `trials=20`.

        Raises Invalid with a pointer to each fault.
        """
        return self._sweep(self._transport.post("/v1/sweeps", {**(body or {}), **fields}))

    def get(self, sweep_id: str) -> Sweep:
        return self._sweep(self._transport.get(f"/v1/sweeps/{sweep_id}"))

    def list(self) -> Iterator[Sweep]:
        """Newest first, without their trials."""
        return (self._sweep(item) for item in pages.items(self._transport, "/v1/sweeps", order="desc"))

    def cancel(self, sweep_id: str) -> Sweep:
        """End it and its jobs."""
        return self._sweep(self._transport.post(f"/v1/sweeps/{sweep_id}/cancel"))

    def delete(self, sweep_id: str, *, with_jobs: bool = False) -> None:
        """One that is over; its jobs stay, unless they are to go with it. Raises Conflict for one that is not."""
        params = {"jobs": "delete" if with_jobs else "keep"}
        self._transport.call("DELETE", f"/v1/sweeps/{sweep_id}", params=params)

    def wait(self, sweep_id: str, *, timeout_seconds: float | None = None) -> Sweep:
        """The sweep once its final job succeeded. Raises SweepUnsuccessful, WaitTimeout."""
        sweep = waiting.until(
            lambda: self.get(sweep_id), lambda found: found.is_over, what=sweep_id, timeout_seconds=timeout_seconds
        )
        return succeeded(sweep)

    def watch(self, sweep_id: str) -> Iterator[Sweep]:
        """The sweep each time it changed, until it is over; the first is as it stands now."""
        return waiting.changes(lambda: self.get(sweep_id), lambda found: found.is_over)

    def _sweep(self, data: Mapping[str, Any]) -> Sweep:
        return Sweep.of(self._client, data)


def succeeded(sweep: Sweep) -> Sweep:
    """The sweep itself. Raises SweepUnsuccessful for one that failed or was cancelled."""
    if sweep.status != "succeeded":
        told = "was cancelled" if sweep.status == "cancelled" else sweep.status
        raise SweepUnsuccessful(f"sweep {sweep.id} {told}", sweep.error)
    return sweep
