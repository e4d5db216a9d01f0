"""Datasets: push a folder or an archive, wait for ingest, read the report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from patchswap import archive
from patchswap.calls import downloads, pages, uploads, waiting
from patchswap.errors import BadInput, DatasetUnsuccessful, NotFound
from patchswap.resources import Dataset, DatasetVersion, Difference, Inspection, Sample, ValidationReport
from patchswap.resources.bound import Home
from patchswap.transport import Transport, read_json


class Datasets:
    def __init__(self, client: Home) -> None:
        self._client = client
        self._transport: Transport = client.transport

    def push(
        self,
        path: Path | str,
        *,
        name: str | None = None,
        task: str | None = None,
        splits: Mapping[str, Any] | None = None,
        reading: Mapping[str, Any] | None = None,
        zip_progress: archive.Progress | None = None,
        upload_progress: uploads.Progress | None = None,
    ) -> Dataset:
        """Upload a folder of images with what belongs to them, or an archive, and have it ingested; does not wait.

        A dataset of this name gets its next version, unless its newest one is of the same bytes. The same content is
        sent once: again after a broken connection only what is missing, later nothing at all. `task`, of a new name:
        "classification", the default, for CLASS/IMAGE files and the like, "segmentation" for images with masks,
        "detection" for images with boxes; COCO serves both. `splits`: {"val": 0.1, "test": 0.2, "seed": 0,
        "train_per_class": 20}, for archives that bring none. `reading`: how to read an archive that can be read in
        more than one way, such as {"classes_at": 2, "ignore": ["examples/*"], "map": {"kitten": "cat"}}.
        """
        path = Path(path)
        name = name or path.resolve().name.split(".")[0]
        if path.is_dir():
            with tempfile.TemporaryDirectory(prefix="patchswap-") as folder:
                zipped = Path(folder) / "images.zip"
                archive.zip_folder(path, zipped, zip_progress)
                upload_id = self._upload(zipped, upload_progress)
        else:
            upload_id = self._upload(path, upload_progress)
        return self.create(name, upload_id=upload_id, task=task, splits=splits, reading=reading)

    def create(
        self,
        name: str,
        *,
        upload_id: str,
        task: str | None = None,
        splits: Mapping[str, Any] | None = None,
        reading: Mapping[str, Any] | None = None,
    ) -> Dataset:
        """A dataset of a complete upload, or the next version of the one by this name."""
        body: dict[str, Any] = {"name": name, "upload_id": upload_id}
        if task:
            body["task"] = task
        if splits:
            body["splits"] = dict(splits)
        if reading:
            body["reading"] = dict(reading)
        return Dataset.of(self._client, self._transport.post("/v1/datasets", body))

    def get(self, dataset: str) -> Dataset:
        """By id or name; of `NAME@2` or a version's id the dataset."""
        return Dataset.of(self._client, self._transport.get(_path(dataset)))

    def list(self) -> Iterator[Dataset]:
        """Newest first."""
        return (Dataset.of(self._client, item) for item in pages.items(self._transport, "/v1/datasets", order="desc"))

    def find(self, dataset: str) -> Dataset:
        """`get`, but raises BadInput where there is none of this name."""
        try:
            return self.get(dataset)
        except NotFound as error:
            if dataset.startswith(("ds_", "dsv_")):
                raise
            message = f"There is no dataset {dataset!r}. `patchswap datasets list` shows what there is."
            raise BadInput(message) from error

    def rename(self, dataset: str, name: str) -> Dataset:
        """Raises Conflict where another dataset has the name."""
        renamed = self._transport.call("PATCH", _path(dataset), json={"name": name})
        return Dataset.of(self._client, read_json(renamed))

    def versions(self, dataset: str) -> Iterator[DatasetVersion]:
        """Newest first."""
        found = pages.items(self._transport, f"{_path(dataset)}/versions", order="desc")
        return (DatasetVersion.model_validate(item) for item in found)

    def version(self, dataset: str, version: str | int = "latest") -> DatasetVersion:
        """By id or number. "latest": the one that `dataset` names, else the newest that is ready."""
        return DatasetVersion.model_validate(self._transport.get(_path(dataset, version)))

    def diff(self, before: str | None, after: str, *, limit: int = 100) -> Difference:
        """What differs between two versions of one dataset. `before` None: the ready version before `after`."""
        since = None if before is None else self.version(before).id
        found = self._transport.get(f"{_path(after, 'latest')}/changes", since=since, limit=limit)
        return Difference.model_validate(found)

    def download(
        self, dataset: str, path: Path | str | None = None, *, progress: downloads.Progress | None = None
    ) -> Path:
        """The archive as it was pushed. `path`: default is the name that the service gives, in this folder."""
        archive_of = self.version(dataset).archive
        wanted = downloads.Wanted(archive_of.url, size=archive_of.bytes, sha256=archive_of.sha256)
        target = Path(path) if path is not None else Path(Path(archive_of.file_name).name)
        return downloads.fetch(self._transport, wanted, target, progress)

    def validation(self, dataset: str, version: str | int = "latest") -> ValidationReport:
        """What ingest found, file by file; also for a dataset it refused."""
        return ValidationReport.model_validate(self._transport.get(f"{_path(dataset, version)}/validation"))

    def inspection(self, dataset: str, version: str | int = "latest") -> Inspection | None:
        """What to look at before training; None of a version that an earlier release read."""
        try:
            return Inspection.model_validate(self._transport.get(f"{_path(dataset, version)}/inspection"))
        except NotFound:
            self.version(dataset, version)  # raises where it is the version that is not there
            return None

    def samples(
        self,
        dataset: str,
        version: str | int = "latest",
        *,
        split: str | None = None,
        class_name: str | None = None,
        twins: str | None = None,
    ) -> Iterator[Sample]:
        """Pictures in the order of the pack. `twins`: only those listed as leak, contradiction or repeat."""
        path = f"{_path(dataset, version)}/samples"
        found = pages.items(self._transport, path, split=split, class_name=class_name, twins=twins)
        return (Sample.model_validate(item) for item in found)

    def some_samples(self, dataset: str, *, limit: int, split: str, class_name: str) -> tuple[Sample, ...]:
        """The first pictures of a class in a split."""
        path = f"{_path(dataset, 'latest')}/samples"
        found = self._transport.get(path, limit=limit, split=split, class_name=class_name)
        return tuple(Sample.model_validate(item) for item in found["data"])

    def sample(self, dataset: str, version: str | int, index: int) -> Sample | None:
        """One picture by its index; None where the version holds no such picture."""
        found = self._transport.get(f"{_path(dataset, version)}/samples", limit=1, after=index - 1)["data"]
        return Sample.model_validate(found[0]) if found and found[0]["index"] == index else None

    def picture(self, url: str, *, overlay: bool | None = None) -> tuple[bytes, str]:
        """What a sample's `thumbnail_url`, `image_url` or `mask_url` gives, and its media type."""
        found = self._transport.call("GET", url, params={"overlay": overlay})
        return found.content, found.headers["Content-Type"]

    def wait(self, dataset: str, version: str | None = None, *, timeout_seconds: float | None = None) -> Dataset:
        """The dataset once a version is ready; the newest one unless `version` names another.

        Raises DatasetUnsuccessful, WaitTimeout.
        """
        wanted = version or _newest(self.get(dataset))
        found = waiting.until(
            lambda: self.version(dataset, wanted),
            lambda found: found.status in ("ready", "failed"),
            what=f"ingest of {dataset}",
            timeout_seconds=timeout_seconds,
        )
        now = self.get(dataset)
        if found.status == "failed":
            raise DatasetUnsuccessful(f"dataset {now.name} ({now.id}) was refused", found.error)
        return now

    def delete(self, dataset: str, *, force: bool = False) -> None:
        """With all versions. Raises Conflict while a job, an export or a model needs it, unless `force`."""
        self._transport.delete(_path(dataset) + ("?force=true" if force else ""))

    def delete_version(self, dataset: str, version: str | int = "latest", *, force: bool = False) -> None:
        """One version, by the same rules, while another one stays."""
        self._transport.delete(_path(dataset, version) + ("?force=true" if force else ""))

    def _upload(self, path: Path, progress: uploads.Progress | None) -> str:
        if not path.exists():
            raise BadInput(f"There is no file or folder {path}.")
        return uploads.push(self._transport, path, media_type=archive.media_type(path), progress=progress)


def _path(dataset: str, version: str | int | None = None) -> str:
    path = f"/v1/datasets/{quote(dataset, safe='@')}"
    return path if version is None else f"{path}/versions/{version}"


def _newest(dataset: Dataset) -> str:
    return dataset.newest_version.id if dataset.newest_version else "latest"
