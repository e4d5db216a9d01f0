"""A job spec from what was typed: a file, options, and --set path=value over both."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patchswap.errors import BadInput

_PRECISIONS = frozenset({"fp32", "fp16", "int8"})  # any other word is a format, which the service knows
_EXPORT_LIMITS = {"max_drop": "max_drop_points", "max_bytes": "max_bytes", "max_latency_ms": "max_latency_ms"}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_TIME = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[smhd]?)")


def read(path: Path) -> dict[str, Any]:
    """A spec file, JSON."""
    try:
        spec = json.loads(path.read_text())
    except OSError as error:
        raise BadInput(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise BadInput(f"{path} is not JSON: {error}.") from error
    if not isinstance(spec, dict):
        raise BadInput(f"{path} must hold one JSON object, like {{'dataset': 'ds_...'}}".replace("'", '"'))
    return spec


def set_all(spec: dict[str, Any], assignments: Sequence[str]) -> None:
    """Put each `a.b.c=value` into the spec. A value that is no JSON is taken as text."""
    for assignment in assignments:
        path, equals, value = assignment.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            raise BadInput(f"--set {assignment!r} is not path=value. Write it like --set training.epochs=5.")
        _set(spec, keys, value_of(value), assignment)


def value_of(text: str) -> Any:
    """JSON, or text where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def image_size(text: str) -> int | list[int] | str:
    """`320`, `288x384` (height x width) or `auto`."""
    if text == "auto":
        return text
    try:
        sides = [int(side) for side in text.lower().split("x")]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2):
        raise BadInput(f"--image-size {text!r} is not a size. Write it like 320, or 288x384 for height x width.")
    return sides if len(sides) == 2 else sides[0]


def method(text: str) -> str | dict[str, Any]:
    """A method by its name, or with settings: `cs_kd:temperature=2,kd_weight=0.5`."""
    name, colon, settings = text.partition(":")
    if not colon:
        return name
    found: dict[str, Any] = {"name": name}
    for setting in settings.split(","):
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise BadInput(f"--method {text!r} is not NAME:SETTING=VALUE. Write it like --method cs_kd:temperature=2.")
        found[key.strip()] = value_of(value)
    return found


def export(text: str) -> dict[str, Any]:
    """A file to make: `int8`, or with a format, an opset and limits: `int8,openvino,max_drop=1,max_bytes=500000`."""
    found: dict[str, Any] = {}
    for word in text.split(","):
        key, equals, value = word.strip().partition("=")
        if key in _EXPORT_LIMITS and value:
            found.setdefault("constraints", {})[_EXPORT_LIMITS[key]] = value_of(value)
        elif key == "opset" and value:
            found[key] = value_of(value)
        elif key and not equals and key not in (*_EXPORT_LIMITS, "opset"):
            found["precision" if key in _PRECISIONS else "format"] = key
        else:
            known = ", ".join([*_EXPORT_LIMITS, "opset"])
            raise BadInput(f"--export {text!r} has no such setting. Write it like int8,max_drop=1. It knows: {known}.")
    return found


def seconds(text: str) -> int:
    """A time: `90s`, `10m`, `1.5h`, or seconds without a unit."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise BadInput(f"--budget {text!r} is not a time. Write it like 90s, 10m or 1.5h.")
    return round(float(found["number"]) * _SECONDS[found["unit"] or "s"])


def seeds(text: str) -> int | list[int]:
    """A count, or the seeds themselves, by commas."""
    try:
        return [int(seed) for seed in text.split(",")] if "," in text else int(text)
    except ValueError:
        raise BadInput(f"--seeds {text!r} is neither a count, like 5, nor a list, like 0,1,7.") from None


def _set(spec: dict[str, Any], keys: list[str], value: Any, assignment: str) -> None:
    here = spec
    for key in keys[:-1]:
        here = here.setdefault(key, {})
        if not isinstance(here, dict):
            raise BadInput(f"--set {assignment!r}: {key} has a value already and cannot hold fields.")
    here[keys[-1]] = value
