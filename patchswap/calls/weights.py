"""Pretrained weights: push a file, fetch some from a hub and push them, list, wait, delete."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from patchswap.calls import pages, uploads, waiting
from patchswap.errors import BadInput, WeightsUnsuccessful
from patchswap.resources import Weights
from patchswap.resources.bound import Home
from patchswap.transport import Transport
from patchswap.weights import conversion, hubs

_SAFETENSORS = ".safetensors"
_MEDIA_TYPE = "application/octet-stream"


class WeightsCalls:
    def __init__(self, client: Home) -> None:
        self._client = client
        self._transport: Transport = client.transport

    def push(
        self,
        path: Path | str,
        *,
        architecture: str,
        licence: str,
        source: str,
        name: str | None = None,
        classes: Sequence[str] | None = None,
        input: Mapping[str, Any] | None = None,  # noqa: A002 - as the api calls it
        upload_progress: uploads.Progress | None = None,
    ) -> Weights:
        """Upload a file of weights and have it read; does not wait.

        A .safetensors file is sent as it is. A .pth or .pt file is converted here, which needs torch: the service opens
        no pickle. `input`: {"size": [224, 224], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}, where the images
        were not prepared as ImageNet's are. Raises BadInput, MissingExtra.
        """
        path = Path(path)
        described: dict[str, Any] = {"architecture": architecture, "licence": licence, "source": source}
        described["name"] = name or path.stem
        if classes is not None:
            described["classes"] = list(classes)
        if input is not None:
            described["input"] = dict(input)
        if path.suffix == _SAFETENSORS:
            return self._send(path, described, upload_progress)
        if path.suffix not in conversion.CHECKPOINTS:
            raise BadInput(f"{path} is neither .safetensors nor one of {', '.join(conversion.CHECKPOINTS)}.")
        if not path.is_file():
            raise BadInput(f"There is no file {path}.")
        with tempfile.TemporaryDirectory(prefix="patchswap-") as folder:
            converted = Path(folder) / f"weights{_SAFETENSORS}"
            conversion.convert(path, converted)
            return self._send(converted, described, upload_progress)

    def fetch(
        self,
        name: str,
        *,
        architecture: str | None = None,
        licence: str | None = None,
        upload_progress: uploads.Progress | None = None,
    ) -> Weights:
        """Download weights from a hub to this machine and push them; does not wait.

        `name`: `resnet18`, a name of timm such as `resnet18.a1_in1k`, or `torchvision:resnet18`. Needs timm or
        torchvision. Raises BadInput, DownloadFailed, MissingExtra.
        """
        found = hubs.fetch(name, architecture=architecture)
        licence = licence or found.licence
        if not licence:
            raise BadInput(f"The hub names no licence for {found.name}. Read it on its page and give it as `licence`.")
        described = {
            "architecture": found.architecture,
            "licence": licence,
            "source": found.source,
            "name": found.name,
            "input": found.input,
        }
        with tempfile.TemporaryDirectory(prefix="patchswap-") as folder:
            path = Path(folder) / f"weights{_SAFETENSORS}"
            conversion.save(found.tensors, path)
            return self._send(path, described, upload_progress)

    def create(self, upload_id: str, **described: Any) -> Weights:
        """Weights of a complete upload. `described` as the api takes it: architecture, licence, source ..."""
        return Weights.of(self._client, self._transport.post("/v1/weights", {"upload_id": upload_id, **described}))

    def get(self, weights_id: str) -> Weights:
        return Weights.of(self._client, self._transport.get(f"/v1/weights/{weights_id}"))

    def list(self) -> Iterator[Weights]:
        """Built-in ones first, then the newest."""
        return (Weights.of(self._client, item) for item in pages.items(self._transport, "/v1/weights", order="desc"))

    def find(self, id_or_name: str) -> Weights:
        """By id, or the newest of this name. Raises BadInput where there is none of this name."""
        if id_or_name.startswith("wts_"):
            return self.get(id_or_name)
        found = [each for each in self.list() if each.name == id_or_name]
        own = [each for each in found if not each.built_in]
        if not found:
            raise BadInput(f"There are no weights named {id_or_name!r}; `patchswap weights list` shows all weights.")
        return (own or found)[0]

    def wait(self, weights_id: str, *, timeout_seconds: float | None = None) -> Weights:
        """The weights once they are ready. Raises WeightsUnsuccessful, WaitTimeout."""
        found = waiting.until(
            lambda: self.get(weights_id),
            lambda found: found.status not in ("queued", "running"),
            what=f"reading of {weights_id}",
            timeout_seconds=timeout_seconds,
        )
        if found.status == "failed":
            raise WeightsUnsuccessful(f"weights {found.name} ({found.id}) were refused", found.error)
        return found

    def delete(self, weights_id: str) -> None:
        """Raises Conflict while a job needs them."""
        self._transport.delete(f"/v1/weights/{weights_id}")

    def _send(self, path: Path, described: dict[str, Any], progress: uploads.Progress | None) -> Weights:
        upload_id = uploads.push(self._transport, path, media_type=_MEDIA_TYPE, progress=progress)
        return self.create(upload_id, **described)
