"""The settings of a deployment that this machine belongs to: the environment's, or those of `patchswap up`."""

from __future__ import annotations

import os
from pathlib import Path

from patchswap.errors import BadInput
from patchswap.local import service, up
from patchswap.local.embedded import layout
from patchswap.local.embedded.refusal import CannotStart

_TOLD_BY = "PATCHSWAP_DATABASE_URL"


def environment(data_dir: Path | None) -> dict[str, str]:
    """A data directory that is named counts more than the environment. Raises BadInput where there is neither."""
    if data_dir is None and _TOLD_BY in os.environ:
        return service.variables(os.environ)
    folder = data_dir or up.default_data_dir()
    if not (folder / "client.json").is_file():
        raise BadInput(
            f"No service was started in {folder} yet. Give --data-dir, or set {_TOLD_BY} and the variables beside it."
        )
    try:
        return up.environment_of(layout.prepare(folder))
    except CannotStart as error:
        raise BadInput(str(error)) from error
