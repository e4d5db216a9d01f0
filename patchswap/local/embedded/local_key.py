"""The key in client.json, by which `patchswap` on this machine uses the service without being told."""

from __future__ import annotations

from pathlib import Path

import httpx

from patchswap import credentials
from patchswap.errors import NoCredentials


def stored(client_file: Path) -> str | None:
    """The key of an earlier start, or `None` where there is none that can be read."""
    try:
        found = credentials.read(client_file)
    except NoCredentials:  # torn or edited: a new key is made
        return None
    return found.api_key if found else None


def is_accepted(url: str, api_key: str) -> bool:
    """Whether the api knows the key; it does not when the database was made anew."""
    with httpx.Client(trust_env=False, timeout=10) as http:
        answer = http.get(f"{url}/v1/jobs", params={"limit": 1}, headers={"Authorization": f"Bearer {api_key}"})
    return answer.status_code != httpx.codes.UNAUTHORIZED
