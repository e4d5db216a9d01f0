"""Searches that are known to matter for a method, by name: `POST /v1/sweeps {"preset": "patch_swap"}`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from contract.specs.recipes import merge

PresetName = Literal["patch_swap"]


@dataclass(frozen=True)
class Preset:
    spec: Mapping[str, Any]  # that its ranges need
    space: Mapping[str, Mapping[str, Any]]


# The weight decides most (docs/results.md); a third without swaps at the end is what fine-tuning asks for; half of the
# pairs swapped is a choice of ours that was not tuned.
PRESETS: dict[PresetName, Preset] = {
    "patch_swap": Preset(
        spec={"method": {"name": "patch_swap"}},
        space={
            "method.kd_weight": {"type": "categorical", "values": [0.0, 0.1, 0.25, 1.0]},
            "method.closing_share": {"type": "categorical", "values": [0.0, 0.33]},
            "method.swap_probability": {"type": "categorical", "values": [0.25, 0.5]},
        },
    )
}


def laid_under(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body over its preset, ranges and fields of its own winning. A body that is not well formed stays as it is."""
    name, spec, space = body.get("preset"), body.get("spec", {}), body.get("space", {})
    preset = next((found for known, found in PRESETS.items() if known == name), None)
    if preset is None or not isinstance(spec, Mapping) or not isinstance(space, Mapping):
        return body
    return {**body, "spec": merge(preset.spec, spec), "space": {**preset.space, **space}}
