"""A network of its own for some processes: their packets to one address or another can be lost without a word."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

_NOWHERE = "02:00:00:00:00:99"  # a card that nobody has


class Namespace:
    """Named; reaches this machine under several addresses, one for each server that it may lose. Linux, as root."""

    def __init__(self, name: str, *, addresses: int) -> None:
        self.name, self._device = name, f"v{name}"[:14]
        self.addresses = [f"10.77.0.{number}" for number in range(1, addresses + 1)]
        self.command: Sequence[str] = ("ip", "netns", "exec", name)
        self.close()
        _ip("netns", "add", name)
        _ip("link", "add", self._device, "type", "veth", "peer", "name", "inside", "netns", name)
        for address in self.addresses:
            _ip("addr", "add", f"{address}/24", "dev", self._device)
        _ip("link", "set", self._device, "up")
        for words in (("addr", "add", "10.77.0.100/24", "dev", "inside"), ("link", "set", "inside", "up")):
            _ip("-n", name, *words)
        _ip("-n", name, "link", "set", "lo", "up")

    def lose(self, address: str) -> None:
        """From now on every packet to the address goes to a card that nobody has."""
        _ip("-n", self.name, "neigh", "replace", address, "lladdr", _NOWHERE, "dev", "inside", "nud", "permanent")

    def find(self, address: str) -> None:
        _ip("-n", self.name, "neigh", "del", address, "dev", "inside")

    def close(self) -> None:
        subprocess.run(["ip", "link", "del", self._device], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)


def may_be_made() -> bool:
    """Whether this process may: as root, with iproute2, on a kernel that lets it."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    return subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode == 0


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
