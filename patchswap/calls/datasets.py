"""Datasets: push a folder or an archive, wait for ingest, read the report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from patchswap import archive
from patchswap.calls import pages, uploads, waiting
from patchswap.errors import BadInput, DatasetUnsuccessful, NotFound
from patchswap.resources import Dataset, DatasetVersion, Inspection, Sample, ValidationReport
from patchswap.resources.bound import Home
from patchswap.transport import Transport


class Datasets:
    def __init__(self, client: Home) -> None:
        self._client = client
        self._transport: Transport = client.transport

    def push(
        self,
        path: Path | str,
        *,
        name: str | None = None,
        task: str = "classification",
        splits: Mapping[str, Any] | None = None,
        reading: Mapping[str, Any] | None = None,
        zip_progress: archive.Progress | None = None,
        upload_progress: uploads.Progress | None = None,
    ) -> Dataset:
        """Upload a folder of images with what belongs to them, or an archive, and have it ingested; does not wait.

        The same content is sent once: again after a broken connection only what is missing, later nothing at all.
        `task`: "classification" for CLASS/IMAGE files and the like, "segmentation" for images with masks, "detection"
        for images with boxes; COCO serves both. `splits`: {"val": 0.1, "test": 0.2, "seed": 0, "train_per_class": 20},
        for archives that bring none. `reading`: how to read an archive that can be read in more than one way, such as
        {"classes_at": 2, "ignore": ["examples/*"], "map": {"kitten": "cat"}, "drop": ["junk"]}.
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
        task: str = "classification",
        splits: Mapping[str, Any] | None = None,
        reading: Mapping[str, Any] | None = None,
    ) -> Dataset:
        """A dataset of a complete upload."""
        body: dict[str, Any] = {"name": name, "upload_id": upload_id, "task": task}
        if splits:
            body["splits"] = dict(splits)
        if reading:
            body["reading"] = dict(reading)
        return Dataset.of(self._client, self._transport.post("/v1/datasets", body))

    def get(self, dataset_id: str) -> Dataset:
        return Dataset.of(self._client, self._transport.get(f"/v1/datasets/{dataset_id}"))

    def list(self) -> Iterator[Dataset]:
        """Newest first."""
        return (Dataset.of(self._client, item) for item in pages.items(self._transport, "/v1/datasets", order="desc"))

    def find(self, id_or_name: str) -> Dataset:
        """By id, or the newest of this name. Raises BadInput where there is none of this name."""
        if id_or_name.startswith("ds_"):
            return self.get(id_or_name)
        for dataset in self.list():
            if dataset.name == id_or_name:
                return dataset
        raise BadInput(f"There is no dataset named {id_or_name!r}; `patchswap datasets list` shows all datasets.")

    def version(self, dataset_id: str, version_id: str = "latest") -> DatasetVersion:
        path = f"/v1/datasets/{dataset_id}/versions/{version_id}"
        return DatasetVersion.model_validate(self._transport.get(path))

    def validation(self, dataset_id: str, version_id: str = "latest") -> ValidationReport:
        """What ingest found, file by file; also for a dataset it refused."""
        path = f"/v1/datasets/{dataset_id}/versions/{version_id}/validation"
        return ValidationReport.model_validate(self._transport.get(path))

    def inspection(self, dataset_id: str, version_id: str = "latest") -> Inspection | None:
        """What to look at before training; None of a version that an earlier release read."""
        path = f"/v1/datasets/{dataset_id}/versions/{version_id}/inspection"
        try:
            return Inspection.model_validate(self._transport.get(path))
        except NotFound:
            self.get(dataset_id)  # raises where it is the dataset that is not there
            return None

    def samples(
        self,
        dataset_id: str,
        version_id: str = "latest",
        *,
        split: str | None = None,
        class_name: str | None = None,
        twins: str | None = None,
    ) -> Iterator[Sample]:
        """Pictures in the order of the pack. `twins`: only those listed as leak, contradiction or repeat."""
        path = f"/v1/datasets/{dataset_id}/versions/{version_id}/samples"
        found = pages.items(self._transport, path, split=split, class_name=class_name, twins=twins)
        return (Sample.model_validate(item) for item in found)

    def some_samples(self, dataset_id: str, *, limit: int, split: str, class_name: str) -> tuple[Sample, ...]:
        """The first pictures of a class in a split."""
        path = f"/v1/datasets/{dataset_id}/versions/latest/samples"
        found = self._transport.get(path, limit=limit, split=split, class_name=class_name)
        return tuple(Sample.model_validate(item) for item in found["data"])

    def sample(self, dataset_id: str, version_id: str, index: int) -> Sample | None:
        """One picture by its index; None where the version holds no such picture."""
        path = f"/v1/datasets/{dataset_id}/versions/{version_id}/samples"
        found = self._transport.get(path, limit=1, after=index - 1)["data"]
        return Sample.model_validate(found[0]) if found and found[0]["index"] == index else None

    def picture(self, url: str, *, overlay: bool | None = None) -> tuple[bytes, str]:
        """What a sample's `thumbnail_url`, `image_url` or `mask_url` gives, and its media type."""
        found = self._transport.call("GET", url, params={"overlay": overlay})
        return found.content, found.headers["Content-Type"]

    def wait(self, dataset_id: str, *, timeout_seconds: float | None = None) -> Dataset:
        """The dataset once it is ready. Raises DatasetUnsuccessful, WaitTimeout."""
        dataset = waiting.until(
            lambda: self.get(dataset_id),
            lambda found: found.status != "ingesting",
            what=f"ingest of {dataset_id}",
            timeout_seconds=timeout_seconds,
        )
        if dataset.status == "failed":
            raise DatasetUnsuccessful(f"dataset {dataset.name} ({dataset.id}) was refused", dataset.error)
        return dataset

    def delete(self, dataset_id: str) -> None:
        """Raises Conflict while a job uses it."""
        self._transport.delete(f"/v1/datasets/{dataset_id}")

    def _upload(self, path: Path, progress: uploads.Progress | None) -> str:
        if not path.exists():
            raise BadInput(f"There is no file or folder {path}.")
        return uploads.push(self._transport, path, media_type=archive.media_type(path), progress=progress)
