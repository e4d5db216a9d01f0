"""The headline table of the nemesis: of what was run, never of what was hoped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Result = dict[str, Any]


def line(result: Result) -> str:
    """One run, as it ends."""
    name = "the store" if result.get("store") else f"seed {result['seed']}" + (" production" if result["production"] else "")
    state = "violated" if result["violations"] else "broken" if result["error"] else "held" if result["fired"] else "missed"
    more = [*result["violations"], *([result["error"]] if result["error"] else []), *([result["missed"]] if "missed" in result else [])]
    figures = "  ".join(f"{key} {max(values):g}" for key, values in result.get("figures", {}).items())
    return f"{result['fault']:4} {name:20} {state:8} {result.get('seconds', 0):6.1f} s  {figures}" + "".join(
        f"\n       {told}" for told in more
    )


def table(results: Sequence[Result]) -> str:
    return json.dumps(len(results))


def publish(results: Path) -> None:
    print(results)
