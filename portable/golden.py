"""The golden input of a bundle, run where this runs: how far this machine is from the one that wrote the bundle."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Model = Callable[[np.ndarray], list[np.ndarray]]


def compare(model: Model, folder: Path, tolerances: dict[str, Any]) -> dict[str, Any]:
    """`golden_holds`, and of each output the mean and the largest difference. `tolerances` are the manifest's."""
    if "mean" in tolerances:  # bundles had one output, and stated its tolerance alone, before there were detectors
        tolerances = {"output": tolerances}
    golden = {stem: np.load(folder / "golden" / f"{stem}.npy", allow_pickle=False) for stem in ("input", *tolerances)}
    found: dict[str, Any] = {"golden_holds": True}
    outputs = zip(tolerances.items(), keys("golden", tuple(tolerances)), model(golden["input"]), strict=True)
    for (stem, tolerance), key, output in outputs:
        difference = np.abs(output.astype(np.float64) - golden[stem])
        mean, largest = float(difference.mean()), float(difference.max())
        found["golden_holds"] &= mean <= tolerance["mean"] and largest <= tolerance["max"]
        found |= {f"{key}_mean_difference": mean, f"{key}_max_difference": largest}
    return found


def keys(name: str, outputs: Sequence[str]) -> list[str]:
    """What the figures of each output begin with: with its own name, where there are several."""
    return [name] if len(outputs) == 1 else [f"{name}_{output}" for output in outputs]
