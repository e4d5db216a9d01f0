"""client.json: the address and the key that `patchswap` on this machine uses without being told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx


def stored_key(path: Path) -> str | None:
    """The key of an earlier start, or `None` where there is none that can be read."""
    try:
        return str(json.loads(path.read_text())["api_key"])
    except (OSError, ValueError, KeyError, TypeError):  # absent or torn: a new key is made
        return None


def is_accepted(url: str, api_key: str) -> bool:
    """Whether the api knows the key; it does not when the database was made anew."""
    with httpx.Client(trust_env=False, timeout=10) as http:
        answer = http.get(f"{url}/v1/jobs", params={"limit": 1}, headers={"Authorization": f"Bearer {api_key}"})
    return answer.status_code != httpx.codes.UNAUTHORIZED


def write(path: Path, *, url: str, api_key: str) -> None:
    """Replaces the file whole, readable by its owner only."""
    draft = path.with_suffix(".json.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": url, "api_key": api_key}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
