"""The client of a patchswap service: `from patchswap import Client`.

Imported names are loaded on first use, so that the command line starts quickly.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patchswap.calls.comparisons import Comparison
    from patchswap.calls.sweeps import Sweep
    from patchswap.client import Client
    from patchswap.errors import (
        ApiError,
        BadInput,
        DamagedFile,
        DatasetUnsuccessful,
        ExportUnsuccessful,
        JobUnsuccessful,
        NoCredentials,
        NotGenuine,
        PatchswapError,
        PredictionUnsuccessful,
        ProfileUnsuccessful,
        ServiceUnreachable,
        SweepUnsuccessful,
        WaitTimeout,
        WeightsUnsuccessful,
    )
    from patchswap.messages import verify_webhook
    from patchswap.resources import Dataset, Event, Export, Job, Model, Weights

_PLACES = {"Client": "client", "verify_webhook": "messages"}
_PLACES |= {"Comparison": "calls.comparisons", "Sweep": "calls.sweeps"}
_PLACES |= dict.fromkeys(("Dataset", "Event", "Export", "Job", "Model", "Weights"), "resources")

__all__ = [
    "ApiError",
    "BadInput",
    "Client",
    "Comparison",
    "DamagedFile",
    "Dataset",
    "DatasetUnsuccessful",
    "Event",
    "Export",
    "ExportUnsuccessful",
    "Job",
    "JobUnsuccessful",
    "Model",
    "NoCredentials",
    "NotGenuine",
    "PatchswapError",
    "PredictionUnsuccessful",
    "ProfileUnsuccessful",
    "ServiceUnreachable",
    "Sweep",
    "SweepUnsuccessful",
    "WaitTimeout",
    "Weights",
    "WeightsUnsuccessful",
    "verify_webhook",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"patchswap.{_PLACES.get(name, 'errors')}"), name)
