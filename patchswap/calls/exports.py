"""Exported files: wait for one, download it, unpack the bundle."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from patchswap import archive, signatures
from patchswap.calls import downloads, pages, waiting
from patchswap.errors import ApiError, BadInput, ExportUnsuccessful
from patchswap.resources import ENDED_EXPORT, Export, ExportFormat, SigningKey
from patchswap.resources.bound import Home
from patchswap.transport import Transport


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
