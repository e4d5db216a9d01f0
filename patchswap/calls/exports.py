"""Trained models and their exported files: ask for one, download it, unpack the bundle."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from patchswap import archive, signatures
from patchswap.calls import downloads, pages, waiting
from patchswap.errors import ApiError, BadInput, ExportUnsuccessful
from patchswap.resources import (
    ENDED_EXPORT,
    Export,
    ExportFormat,
    JudgedImage,
    Model,
    Pareto,
    Prediction,
    SigningKey,
    SuspectedLabels,
)
from patchswap.resources.bound import Home
from patchswap.transport import Body, Transport, read_json


class Models:
    def __init__(self, client: Home) -> None:
        self._client = client
        self._transport: Transport = client.transport

    def list(self) -> Iterator[Model]:
        """Newest first."""
        return (Model.of(self._client, item) for item in pages.items(self._transport, "/v1/models", order="desc"))

    def get(self, model_id: str) -> Model:
        return Model.of(self._client, self._transport.get(f"/v1/models/{model_id}"))

    def card(self, model_id: str) -> str:
        """The model card, Markdown."""
        return self._transport.call("GET", f"/v1/models/{model_id}/card").text

    def report(self, model: str, path: Path | str) -> Path:
        """The report of a model, or of a job's model, as one HTML file. Raises BadInput where there is none."""
        found = self.get(self.id_of(model))
        if found.report is None:
            raise BadInput(
                f"{found.id} has no report, because an older release published it; its figures are in the model card."
            )
        url = f"/v1/models/{found.id}/report"
        wanted = downloads.Wanted(url, size=found.report["bytes"], sha256=found.report["sha256"])
        return downloads.fetch(self._transport, wanted, Path(path))

    def pull_weights(
        self,
        model: str,
        target: Path | str,
        *,
        replace: bool = False,
        progress: downloads.Progress | None = None,
    ) -> Path:
        """The trained float weights of a model, or of a job's model: `target`/model.safetensors, checked by its sha256.

        The model card has the lines that open it in torch. Raises BadInput where the file is there.
        """
        found, path = self.get(self.id_of(model)), Path(target) / "model.safetensors"
        if path.exists() and not replace:
            raise BadInput(f"{path} exists. Remove it, name another folder, or pass --force to replace it.")
        wanted = downloads.Wanted(
            f"/v1/models/{found.id}/weights", size=found.weights["bytes"], sha256=found.weights["sha256"]
        )
        return downloads.fetch(self._transport, wanted, path, progress)

    def suspects(self, model: str) -> SuspectedLabels:
        """Labels of the dataset that a classifier, or a job's, contradicts. Raises NotFound of other tasks."""
        return SuspectedLabels.model_validate(self._transport.get(f"/v1/models/{self.id_of(model)}/suspected-labels"))

    def predictions(
        self,
        model: str,
        *,
        split: str | None = None,
        error: bool | None = None,
        shows: str | None = None,
        predicted: str | None = None,
        sort: str = "worst",
    ) -> Iterator[JudgedImage]:
        """What the network of a model, or of a job's model, said of each held-out image.

        `shows` and `predicted` are names of classes; `sort` is worst, best, sure, unsure or index.
        """
        asked = {"split": split, "error": error, "class": shows, "predicted": predicted, "sort": sort}
        given = {name: value for name, value in asked.items() if value is not None}
        found = pages.items(self._transport, f"/v1/models/{self.id_of(model)}/predictions", **given)
        return (JudgedImage.model_validate(item) for item in found)

    def exports(self, model_id: str) -> tuple[Export, ...]:
        """Oldest first."""
        found = pages.items(self._transport, f"/v1/models/{model_id}/exports", order="asc")
        return tuple(Export.of(self._client, item) for item in found)

    def pareto(self, model: str, *, device: str | None = None) -> Pareto:
        """The files of a model, or of a job's model, by accuracy, bytes and latency; `smallest()`, `fastest()`.

        With a device, accuracy and latency are those that profiles measured there.
        """
        return Pareto.model_validate(self._transport.get(f"/v1/models/{self.id_of(model)}/pareto", device=device))

    def save_pareto(self, model: str, path: Path | str, *, device: str | None = None) -> Path:
        """The same as a PNG."""
        url = f"/v1/models/{self.id_of(model)}/pareto"
        asked = {"format": "png", "device": device}
        Path(path).write_bytes(self._transport.call("GET", url, params=asked).content)
        return Path(path)

    def predict(
        self,
        model: str,
        image: Path | str | bytes,
        *,
        export: str | None = None,
        top: int | None = None,
        threshold: float | None = None,
    ) -> Prediction:
        """What an exported file of a model, or of a job's model, says of an image file. Raises ApiError, OSError.

        `export` names the file; without it, the most accurate int8 one answers, else fp32. `threshold` is the least
        score of a box, of detection only; `top` is of the other tasks. Defaults are infer.py's.
        """
        content = image if isinstance(image, bytes) else Path(image).read_bytes()
        response = self._transport.call(
            "POST",
            f"/v1/models/{self.id_of(model)}/predict",
            params={"export": export, "top": top, "threshold": threshold},
            headers={"Content-Type": "application/octet-stream"},
            body=Body(lambda: iter([content]), len(content)),
        )
        return Prediction.model_validate(read_json(response))

    def export(
        self,
        model_id: str,
        *,
        precision: str = "fp32",
        format: str = "onnx",  # noqa: A002 - the API's word
        constraints: Mapping[str, float | None] | None = None,
        rungs: Sequence[str] | None = None,
        opset: int | None = None,
    ) -> Export:
        """Ask for another file of this model; does not wait for it. `rungs` are tried to keep the constraints.

        `opset` is of ONNX files; without it the oldest is written, which the oldest runtimes open.
        """
        body: dict[str, Any] = {"format": format, "precision": precision}
        if opset is not None:
            body["opset"] = opset
        if constraints:
            body["constraints"] = {name: value for name, value in constraints.items() if value is not None}
        if rungs:
            body["ladder"] = {"rungs": list(rungs)}
        return Export.of(self._client, self._transport.post(f"/v1/models/{model_id}/exports", body))

    def pull(
        self,
        model: str,
        target: Path | str,
        *,
        precision: str | None = None,
        format: str = "onnx",  # noqa: A002 - the API's word
        replace: bool = False,
        key: str | None = None,
        progress: downloads.Progress | None = None,
    ) -> Path:
        """The unpacked bundle of the newest good export of a model, or of a job's model; gives its folder."""
        export = self.newest_export(model, precision=precision, format=format)
        return self._client.exports.pull(export, target, replace=replace, key=key, progress=progress)

    def newest_export(self, model: str, *, precision: str | None = None, format: str = "onnx") -> Export:  # noqa: A002
        """Raises BadInput where there is none to download, saying what there is.

        Without a precision it is fp32, or the only other one there is.
        """
        model_id = self.id_of(model)
        made = list(self.exports(model_id))
        precision = precision or _only_precision(made, format)
        found = [export for export in made if (export.format, export.precision) == (format, precision)]
        for export in reversed(found):
            if export.status == "succeeded":
                return export
        states = ", ".join(f"{export.id} {export.status}" for export in found) or "none was asked for"
        options = f"--format {format} --precision {precision}{_limits_kept(found)}"
        create = f"Ask for one with `patchswap exports create {model_id} {options}`."
        remedy = f"{_others(made)}{create}"
        raise BadInput(f"{model_id} has no {format} {precision} export to download ({states}). {remedy}")

    def id_of(self, model: str) -> str:
        """The id of a model, or of a job's model. Raises BadInput where the job has none."""
        if not model.startswith("job_"):
            return model
        job = self._client.jobs.get(model)
        if job.model_id is None:
            raise BadInput(f"Job {job.id} is {job.status} and has no model; follow it with `patchswap watch {job.id}`.")
        return job.model_id


def _only_precision(made: Sequence[Export], form: str) -> str:
    """fp32, but where files of one other precision alone can be had."""
    found = {export.precision for export in made if export.format == form and export.status == "succeeded"}
    return next(iter(found)) if len(found) == 1 else "fp32"


def _limits_kept(found: Sequence[Export]) -> str:
    """As options, the limits of the newest file that failed its gate, those that it broke as wide as it needs them."""
    failed = next((each for each in reversed(found) if each.status == "gate_failed"), None)
    if failed is None:
        return ""
    measured = failed.measured or {}
    reached = {
        "max_drop_points": math.ceil(100 * measured.get("drop_points", 0)) / 100,
        "max_bytes": measured.get("model_bytes", 0),
        "max_latency_ms": math.ceil(1.1 * 1000 * measured.get("latency_ms_p50", 0)) / 1000,
    }
    limits = {name: max(limit, reached.get(name, 0)) for name, limit in failed.constraints.items() if limit is not None}
    return "".join(f" --{name.replace('_', '-')} {limit:g}" for name, limit in limits.items())


def _others(made: Sequence[Export]) -> str:
    """How to pull what there is instead; empty where there is nothing."""
    ready = sorted(
        {f"--format {each.format} --precision {each.precision}" for each in made if each.status == "succeeded"}
    )
    return f"Pull another with {' or '.join(f'`{options}`' for options in ready)}. " if ready else ""


class Exports:
    def __init__(self, client: Home) -> None:
        self._client = client
        self._transport: Transport = client.transport

    def get(self, export_id: str) -> Export:
        return Export.of(self._client, self._transport.get(f"/v1/exports/{export_id}"))

    def formats(self) -> tuple[ExportFormat, ...]:
        """The file formats that can be asked for, and whether the workers have what makes them."""
        return tuple(ExportFormat.model_validate(item) for item in pages.items(self._transport, "/v1/export_formats"))

    def wait(self, export_id: str, *, timeout_seconds: float | None = None) -> Export:
        """The export once it succeeded or its gate failed. Raises ExportUnsuccessful, WaitTimeout."""
        export = waiting.until(
            lambda: self.get(export_id),
            lambda found: found.status in ENDED_EXPORT,
            what=export_id,
            timeout_seconds=timeout_seconds,
        )
        if export.status == "failed":
            raise ExportUnsuccessful(f"export {export.id} failed", export.error)
        return export

    def download(self, export_id: str, path: Path | str, *, progress: downloads.Progress | None = None) -> Path:
        """The bundle as a zip file, checked against its sha256; a download that broke off is taken up again."""
        return self._download(self.get(export_id), Path(path), progress)

    def read_file(self, export_id: str, name: str) -> bytes:
        """One file of the bundle, such as `preprocess.json`. Raises ApiError where it has no such file."""
        return self._transport.call("GET", f"/v1/exports/{export_id}/files/{quote(name, safe='')}").content

    def pull(
        self,
        export: Export,
        target: Path | str,
        *,
        replace: bool = False,
        key: str | None = None,
        progress: downloads.Progress | None = None,
    ) -> Path:
        """The unpacked bundle; gives its folder. A pull that broke off is taken up again, too.

        Its sha256 and its signature are checked before anything is unpacked: by `key`, a public key in PEM, and then it
        must be signed, else by the service's own, if the service signs. Raises DamagedFile.
        """
        target = Path(target)
        archive.require_free(target, replace=replace)
        bundle = self._download(export, target.parent / f"{export.id}.zip", progress)
        try:
            self._check_signature(bundle, key)
            archive.unpack(bundle, target, replace=replace)
        finally:
            bundle.unlink()
        return target

    def signing_key(self) -> SigningKey | None:
        """The service's public key; None where it signs nothing."""
        try:
            return SigningKey.model_validate(self._transport.get("/v1/signing_key"))
        except ApiError as error:
            if error.code == "not_signing":
                return None
            raise

    def _check_signature(self, bundle: Path, key: str | None) -> None:
        if key is not None:
            signatures.check_bundle(bundle, key, required=True)
        elif (own := self.signing_key()) is not None:
            signatures.check_bundle(bundle, own.pem, required=False)  # one made before the service signed has none

    def _download(self, export: Export, path: Path, progress: downloads.Progress | None) -> Path:
        if export.status != "succeeded" or export.sha256 is None or export.bytes is None:
            why = "; ".join(export.violations)
            raise BadInput(
                f"Export {export.id} is {export.status}{': ' + why if why else ''}; there is nothing to download."
            )
        url = f"/v1/exports/{export.id}/download"
        wanted = downloads.Wanted(url, size=export.bytes, sha256=export.sha256)
        return downloads.fetch(self._transport, wanted, path, progress)
