"""Every variable of the environment that a process of the service reads, from core/settings.py."""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from core.settings import Settings
from reference import writing

INTRODUCTION = """
This page lists the variables of the environment. Each process reads them once, when it starts. `patchswap up` sets the
URLs, the keys and the scratch folder itself and passes the rest on.
"""
OTHERS = (
    ("PATCHSWAP_URL", "", "Address of the service. For the client and the command line only."),
    ("PATCHSWAP_API_KEY", "", "API key. For the client and the command line only."),
    ("PATCHSWAP_DATA_DIR", "~/.patchswap", "Folder of `patchswap up`; the client finds its address and key there."),
    ("OMP_NUM_THREADS", "one per core", "Threads of a trainer on a CPU; use 1 on shared machines."),
)


def page() -> str:
    rows = [
        (writing.code(f"PATCHSWAP_{name.upper()}"), _default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    others = [(writing.code(name), writing.code(default), what) for name, default, what in OTHERS]
    return writing.page(
        "# Configuration",
        INTRODUCTION,
        "## Service",
        writing.table(("variable", "default", "what"), rows),
        "## Client and machine",
        writing.table(("variable", "default", "what"), others),
    )


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.default
    if value is PydanticUndefined:  # made when the process starts
        return "the host's name"
    if value in (None, ""):
        return "none"
    return f"{writing.code(str(value))}{_size(value)}"


def _size(value: Any) -> str:
    """What a large number of bytes is, to be read by people."""
    for power, unit in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB")):
        if isinstance(value, int) and value and value % power == 0:
            return f" ({value // power} {unit})"
    return ""
