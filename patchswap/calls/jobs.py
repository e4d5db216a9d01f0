"""Jobs: create, follow, steer. A client that goes away never ends a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from patchswap import receipts
from patchswap.calls import downloads, logs, pages, tracking, waiting, watching
from patchswap.errors import BadInput, JobUnsuccessful
from patchswap.receipts import Receipt
from patchswap.resources import Checkpoint, Estimate, Event, Job, LogLine, Point, Validated
from patchswap.resources.bound import Home
from patchswap.transport import Transport


class Jobs:
    def __init__(self, client: Home) -> None:
        self._client = client
        self._transport: Transport = client.transport

    def create(self, spec: Mapping[str, Any] | None = None, **fields: Any) -> Job:
        """A queued job; `fields` go over `spec`: `dataset="ds_..."`, `training={"epochs": 5}`, `control=True`.

        Without `recipe`, the default one: `job.chosen` says what it is. `budget_seconds=600` fits it into a time.
        Raises Invalid with a pointer to each fault.
        """
        return self._job(self._transport.post("/v1/jobs", {**(spec or {}), **fields}))

    def validate(self, spec: Mapping[str, Any] | None = None, **fields: Any) -> Validated:
        """The spec with nothing left to choose; nothing is created. Raises Invalid."""
        return Validated.model_validate(self._transport.post("/v1/jobs/validate", {**(spec or {}), **fields}))

    def estimate(self, spec: Mapping[str, Any] | None = None, **fields: Any) -> Estimate:
        """How long it would take, and on what basis; nothing is created. Raises Invalid."""
        return Estimate.model_validate(self._transport.post("/v1/jobs/estimate", {**(spec or {}), **fields}))

    def get(self, job_id: str) -> Job:
        return self._job(self._transport.get(f"/v1/jobs/{job_id}"))

    def list(
        self,
        *,
        status: str | None = None,
        dataset: str | None = None,
        comparison: str | None = None,
        sweep: str | None = None,
        name: str | None = None,
        full: bool = False,
    ) -> Iterator[Job]:
        """Newest first; `name` is how a name begins, in any case.

        Without `full` their `spec` and `resolved` are left empty: `get` has them.
        """
        wanted = {"status": status, "dataset": dataset, "comparison": comparison, "sweep": sweep, "name": name}
        wanted["view"] = "full" if full else None
        found = pages.items(self._transport, "/v1/jobs", order="desc", **wanted)
        return (self._job(item) for item in found)

    def cancel(self, job_id: str) -> Job:
        return self._verb(job_id, "cancel")

    def pause(self, job_id: str) -> Job:
        return self._verb(job_id, "pause")

    def resume(self, job_id: str) -> Job:
        """From the newest intact checkpoint."""
        return self._verb(job_id, "resume")

    def retry(self, job_id: str) -> Job:
        """From the beginning."""
        return self._verb(job_id, "retry")

    def clone(self, job_id: str, **changes: Any) -> Job:
        """A new job like this one, `changes` merged into its spec."""
        return self._job(self._transport.post(f"/v1/jobs/{job_id}/clone", changes))

    def delete(self, job_id: str) -> None:
        """A job that is over, with its model and files. Raises Conflict for one that is not."""
        self._transport.delete(f"/v1/jobs/{job_id}")

    def watch(self, job_id: str, *, after: int = 0) -> Iterator[Event]:
        """Events as they come, until the job is over; `progress` events between them."""
        return watching.watch(self._client, job_id, after=after)

    def wait(self, job_id: str, *, timeout_seconds: float | None = None) -> Job:
        """The job once it succeeded. Raises JobUnsuccessful, WaitTimeout."""
        job = waiting.until(
            lambda: self.get(job_id), lambda found: found.is_over, what=job_id, timeout_seconds=timeout_seconds
        )
        return succeeded(job)

    def events(self, job_id: str, *, after: int = 0) -> Iterator[Event]:
        """Those there are now, oldest first."""
        found = pages.items(self._transport, f"/v1/jobs/{job_id}/events", after=after)
        return (Event.model_validate(item) for item in found)

    def metrics(self, job_id: str, *keys: str, max_points: int | None = None) -> dict[str, tuple[Point, ...]]:
        """Training curves by key: `train.loss`, `val.top1_accuracy` ...; thinned out by the service to `max_points`."""
        path = f"/v1/jobs/{job_id}/metrics"
        answer = self._transport.get(path, keys=",".join(keys) or None, max_points=max_points)
        return {one["key"]: tuple(Point.model_validate(point) for point in one["points"]) for one in answer["data"]}

    def evaluation(self, job_id: str) -> dict[str, Any]:
        """What was measured on held-out images, by arm. Raises NotFound before the end."""
        evaluation: dict[str, Any] = self._transport.get(f"/v1/jobs/{job_id}/evaluation")
        return evaluation

    def receipt(self, job_id: str) -> Receipt:
        """What the job was made from and what it made, signed. Raises NotFound before it succeeded."""
        return receipts.read(self._transport.call("GET", f"/v1/jobs/{job_id}/receipt").content)

    def reproduce(self, receipt: Receipt) -> Job:
        """A new job of a receipt's spec on the very dataset version; its own receipt says whether it came out alike."""
        content = receipt.content
        spec = {name: value for name, value in content["spec"].items() if name != "budget_seconds"}
        name = f"reproduces {content['job_id']}"
        return self.create(spec, dataset=content["dataset"]["version_id"], name=name)

    def export_run(
        self,
        job_id: str,
        to: tracking.Tracker,
        *,
        folder: Path | str | None = None,
        server: str | None = None,
        experiment: str = tracking.EXPERIMENT,
    ) -> tuple[tracking.Exported, ...]:
        """A job as a run of TensorBoard or MLflow; of a sweep or a comparison, each of its jobs that has started.

        Into `folder`, by default `runs` or `mlruns`, or to the tracking `server` of an MLflow. Again: the same run,
        brought up to date. Needs the extra [trackers]. Raises BadInput, MissingExtra, PatchswapError.
        """
        return tracking.export(self._client, job_id, tracking.Target(to, folder, server, experiment))

    def logs(
        self, job_id: str, *, after: int | None = None, tail: int | None = None, follow: bool = False
    ) -> Iterator[LogLine]:
        """Lines beyond the `seq` `after`, or the last `tail`. `follow`: also those to come, until the job is over."""
        return logs.read(self._client, job_id, after=after, tail=tail, follow=follow)

    def checkpoints(self, job_id: str) -> tuple[Checkpoint, ...]:
        found = pages.items(self._transport, f"/v1/jobs/{job_id}/checkpoints")
        return tuple(Checkpoint.model_validate(item) for item in found)

    def download_checkpoint(
        self, job_id: str, checkpoint_id: str, path: Path | str, *, progress: downloads.Progress | None = None
    ) -> Path:
        """The state as the trainer wrote it. Raises BadInput for one that the job has not."""
        found = next((one for one in self.checkpoints(job_id) if one.id == checkpoint_id), None)
        if found is None:
            raise BadInput(f"Job {job_id} has no checkpoint {checkpoint_id}. `jobs checkpoints` shows those it has.")
        url = f"/v1/jobs/{job_id}/checkpoints/{checkpoint_id}/download"
        wanted = downloads.Wanted(url, size=found.bytes, sha256=found.sha256)
        return downloads.fetch(self._transport, wanted, Path(path), progress)

    def pin(self, job_id: str, checkpoint_id: str) -> Checkpoint:
        """Keep a checkpoint whatever newer ones come."""
        return self._pin(job_id, checkpoint_id, "pin")

    def unpin(self, job_id: str, checkpoint_id: str) -> Checkpoint:
        return self._pin(job_id, checkpoint_id, "unpin")

    def _pin(self, job_id: str, checkpoint_id: str, verb: str) -> Checkpoint:
        path = f"/v1/jobs/{job_id}/checkpoints/{checkpoint_id}/{verb}"
        return Checkpoint.model_validate(self._transport.post(path))

    def _verb(self, job_id: str, verb: str) -> Job:
        return self._job(self._transport.post(f"/v1/jobs/{job_id}/{verb}"))

    def _job(self, data: Mapping[str, Any]) -> Job:
        return Job.of(self._client, data)


def succeeded(job: Job) -> Job:
    """The job itself. Raises JobUnsuccessful for one that failed or was cancelled."""
    if job.status != "succeeded":
        raise JobUnsuccessful(f"job {job.id} {'was cancelled' if job.status == 'cancelled' else job.status}", job.error)
    return job
