"""What a recipe is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    name: str
    description: str
    spec: dict[str, Any]
    parameters: int  # at ten classes and three channels, counted by tests/trainer/training/test_recipes.py
    macs: int  # of one image of `reference_size`
    reference_size: tuple[int, int]
    run_here: bool = False  # whether a published figure of this project comes from it


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes` over `base`, object by object. A part that names another method or optimizer replaces the old part."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        if key != "labels" and isinstance(old, Mapping) and isinstance(value, Mapping) and _same_kind(old, value):
            merged[key] = merge(old, value)
        else:
            merged[key] = value
    return merged


def _same_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return bool(new.get("name", old.get("name")) == old.get("name"))
