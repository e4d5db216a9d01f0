"""What the wheel holds beside `patchswap`: the service's rooms, below it, so that no name of theirs is installed.

The docs go with them where `make docs` has built them, and onnxruntime-web where `make browser-runtime` has put it.

A checkout (an editable install) has them where they are. `patchswap.local.service` puts the folder on the path of the
processes it starts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "patchswap/_service"
DOCS = "build/docs"
RUNTIME = "build/browser-runtime"


class Rooms(BuildHookInterface):  # type: ignore[type-arg]
    """Reads `rooms` of [tool.hatch.build.targets.wheel.hooks.custom]."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a build; `version` is "standard" or "editable"."""
        if version == "editable":
            return
        for room in self.config["rooms"]:
            if not (Path(self.root) / room / "__init__.py").is_file():
                raise FileNotFoundError(f"pyproject.toml names the room {room!r}; there is no {room}/__init__.py")
            build_data["force_include"][room] = f"{FOLDER}/{room}"
        if (Path(self.root) / DOCS / "index.html").is_file():
            build_data["force_include"][DOCS] = f"{FOLDER}/guide"
        if (Path(self.root) / RUNTIME).is_dir():
            build_data["force_include"][RUNTIME] = f"{FOLDER}/browser-runtime"
