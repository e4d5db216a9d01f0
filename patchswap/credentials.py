"""Which service to talk to, and with which key. A stored key is only ever sent to the url it was stored for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from patchswap.errors import NoCredentials

_REMEDY = "Run `patchswap login`, set PATCHSWAP_URL and PATCHSWAP_API_KEY, or start a service with `patchswap up`."


@dataclass(frozen=True)
class Credentials:
    """An address and a key for it."""

    url: str
    api_key: str = field(repr=False)


def find(url: str | None = None, api_key: str | None = None) -> Credentials:
    """From the arguments, the environment, the login file, or the service that `patchswap up` runs here."""
    url = url or os.environ.get("PATCHSWAP_URL") or None
    api_key = api_key or os.environ.get("PATCHSWAP_API_KEY") or None
    if url and api_key:
        return Credentials(_clean(url), api_key)
    for stored in _stored():
        if url is None or _clean(url) == stored.url:
            return Credentials(stored.url, api_key or stored.api_key)
    if url:
        raise NoCredentials(f"There is no key for {_clean(url)}. {_REMEDY}")
    raise NoCredentials(f"No service is known. {_REMEDY}")


def save(credentials: Credentials) -> Path:
    """Write the login file; gives its path."""
    path = login_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write(path, credentials)
    return path


def write(path: Path, credentials: Credentials) -> None:
    """Replace the file whole, readable by its owner only."""
    draft = path.with_suffix(".json.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": _clean(credentials.url), "api_key": credentials.api_key}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def login_file() -> Path:
    """~/.config/patchswap/client.json, or under XDG_CONFIG_HOME."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "patchswap" / "client.json"


def local_file() -> Path:
    """What `patchswap up` on this machine writes for its clients."""
    return Path(os.environ.get("PATCHSWAP_DATA_DIR") or "~/.patchswap").expanduser() / "client.json"


def read(path: Path) -> Credentials | None:
    """None where there is no such file. Raises NoCredentials where it cannot be understood."""
    try:
        stored = json.loads(path.read_text())
        return Credentials(_clean(str(stored["url"])), str(stored["api_key"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoCredentials(f"Cannot read {path}. Remove it and run `patchswap login` again.") from error


def _stored() -> Iterator[Credentials]:
    for path in (login_file(), local_file()):
        if stored := read(path):
            yield stored


def _clean(url: str) -> str:
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a torn IPv6 address
        is_address = False
    if not is_address or any(c.isspace() for c in url):
        raise NoCredentials(f"{url!r} is not the address of a service. Write it as http://HOST:PORT or https://HOST.")
    return url
