"""Models asked about whole dataset versions: ask, wait, save the rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from patchswap.calls import downloads, pages, waiting
from patchswap.errors import BadInput, PredictionUnsuccessful
from patchswap.resources import BatchPrediction
from patchswap.resources.bound import Home
from patchswap.transport import Transport

FORMATS = ("parquet", "csv", "ndjson")


class Predictions:
    def __init__(self, client: Home) -> None:
        self._client = client
        self._transport: Transport = client.transport

    def create(self, model_id: str, dataset_version: str) -> BatchPrediction:
        """Ask the network about all images of `NAME`, `NAME@2`, `ds_...` or `dsv_...`; does not wait."""
        body = {"dataset_version": dataset_version}
        return BatchPrediction.of(self._client, self._transport.post(f"/v1/models/{model_id}/predictions", body))

    def get(self, prediction_id: str) -> BatchPrediction:
        return BatchPrediction.of(self._client, self._transport.get(f"/v1/predictions/{prediction_id}"))

    def list(self, model_id: str | None = None) -> Iterator[BatchPrediction]:
        """Newest first."""
        found = pages.items(self._transport, "/v1/predictions", order="desc", model=model_id)
        return (BatchPrediction.of(self._client, item) for item in found)

    def delete(self, prediction_id: str) -> None:
        """With its rows; one that is queued or running ends."""
        self._transport.delete(f"/v1/predictions/{prediction_id}")

    def wait(self, prediction_id: str, *, timeout_seconds: float | None = None) -> BatchPrediction:
        """The prediction once its rows are there. Raises PredictionUnsuccessful, WaitTimeout."""
        found = waiting.until(
            lambda: self.get(prediction_id),
            lambda found: found.status in ("succeeded", "failed"),
            what=prediction_id,
            timeout_seconds=timeout_seconds,
        )
        if found.status == "failed":
            raise PredictionUnsuccessful(f"prediction {found.id} failed", found.error)
        return found

    def save(self, prediction_id: str, path: Path | str) -> Path:
        """The rows as a file; its name ends in .parquet, .csv or .ndjson. Raises BadInput."""
        target = Path(path)
        file_format = format_of(target)
        found = self.get(prediction_id)
        if found.sha256 is None or found.bytes is None:
            raise BadInput(f"{found.id} is {found.status}. There are rows once it has succeeded.")
        url = f"/v1/predictions/{found.id}/rows"
        if file_format == "parquet":
            return downloads.fetch(self._transport, downloads.Wanted(url, found.bytes, found.sha256), target)
        target.write_bytes(self._transport.call("GET", url, params={"format": file_format}).content)
        return target


def format_of(path: Path) -> str:
    """What the end of a file's name asks for. Raises BadInput."""
    if (ending := path.suffix.removeprefix(".")) not in FORMATS:
        raise BadInput(f"{path} should end in .csv, .ndjson or .parquet, which names the format.")
    return ending
