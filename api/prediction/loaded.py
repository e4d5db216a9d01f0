"""Model files opened by onnxruntime and kept while they fit: verified before they are opened, oldest use first out."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Conflict
from core.exports import serving
from core.exports.serving import Served
from core.settings import settings
from portable import preprocess

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


class FileTooLarge(Conflict):
    """The file is too large for PATCHSWAP_PREDICT_CACHE_BYTES. Download the bundle and run its infer.py."""


@dataclass(frozen=True)
class Loaded:
    """An open model file, with what it says of itself."""

    session: InferenceSession
    labels: list[str]
    rules: dict[str, Any]  # preprocess.json
    bytes: int

    @property
    def image(self) -> dict[str, Any]:
        """What its images are decoded to."""
        channels = 1 if self.rules["mode"] == "L" else 3
        size = {"height": self.rules["height"], "width": self.rules["width"]}
        how = {"fit": preprocess.fit_of(self.rules), "depth_range": self.rules.get("depth_range")}
        return {**size, "channels": channels, **how}

    def run(self, batch_BCHW: NDArray[np.float32]) -> list[NDArray[np.float32]]:  # noqa: N803 - shape suffix
        """Every output, in the order that its task names them."""
        outputs = self.session.run(self.rules["output"].split(", "), {self.rules["input"]: batch_BCHW})
        return [np.asarray(output) for output in outputs]


class Sessions:
    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._found: OrderedDict[tuple[str, str], Loaded] = OrderedDict()
        self._table = Lock()
        self._loading = Lock()  # one at a time: what is being loaded is beyond the limit

    def get(self, served: Served) -> Loaded:
        """Raises BundleDamaged, FileTooLarge or StoreUnavailable."""
        if (found := self._known(served)) is not None:
            return found
        with self._loading:
            if (found := self._known(served)) is not None:
                return found
            loaded = self._load(served)
            self._keep(served, loaded)
            return loaded

    @property
    def bytes(self) -> int:
        return sum(loaded.bytes for loaded in self._found.values())

    def _known(self, served: Served) -> Loaded | None:
        key = served.export_id, served.sha256
        with self._table:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def _load(self, served: Served) -> Loaded:
        content = serving.read_verified(served)
        if len(content) > self._limit_bytes:
            raise FileTooLarge
        return _open(content)

    def _keep(self, served: Served, loaded: Loaded) -> None:
        with self._table:
            while self._found and self.bytes + loaded.bytes > self._limit_bytes:
                self._found.popitem(last=False)
            self._found[served.export_id, served.sha256] = loaded


@lru_cache
def sessions() -> Sessions:
    """Those of this process."""
    return Sessions(settings().predict_cache_bytes)


def _open(content: bytes) -> Loaded:
    import onnxruntime  # noqa: PLC0415 - memory that only who predicts should pay

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # requests are what runs side by side
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    carried = session.get_modelmeta().custom_metadata_map
    return Loaded(session, json.loads(carried["labels"]), json.loads(carried["preprocess"]), len(content))
