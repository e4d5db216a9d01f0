"""A network of its own for some processes: their packets to one address or another can be lost without a word."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Literal

Way = Literal["there", "back", "both"]
_NOWHERE = "02:00:00:00:00:99"  # a card that nobody has


class Namespace:
    """Named; reaches this machine under several addresses, one for each server that it may lose. Linux, as root.

    Each way by itself: what its processes say to a server, and what that server says to them.
    """

    def __init__(self, name: str, *, addresses: int) -> None:
        self.name, self._device = name, f"v{name}"[:14]
        self.network = f"10.77.{os.getpid() % 250}"  # of this test process: others may have theirs
        self.addresses = [f"{self.network}.{number}" for number in range(1, addresses + 1)]
        self.command: Sequence[str] = ("ip", "netns", "exec", name)
        self.close()
        _ip("netns", "add", name)
        _ip("link", "add", self._device, "type", "veth", "peer", "name", "inside", "netns", name)
        for address in self.addresses:
            _ip("addr", "add", f"{address}/24", "dev", self._device)
            self._inside("addr", "add", f"{self._other_end(address)}/24", "dev", "inside")
        _ip("link", "set", self._device, "up")
        self._inside("link", "set", "inside", "up")
        self._inside("link", "set", "lo", "up")
        for address in self.addresses:  # spoken to from an address of its own, so that its answers can be lost alone
            self._inside("route", "add", f"{address}/32", "dev", "inside", "src", self._other_end(address))

    def lose(self, address: str, way: Way = "there") -> None:
        """From now on every packet to the address, or back from it, goes to a card that nobody has."""
        lost = ("lladdr", _NOWHERE, "nud", "permanent")
        if way in ("there", "both"):
            self._inside("neigh", "replace", address, "dev", "inside", *lost)
        if way in ("back", "both"):
            _ip("neigh", "replace", self._other_end(address), "dev", self._device, *lost)

    def find(self, address: str) -> None:
        """Both ways; what was not lost need not be found."""
        there = ("-n", self.name, "neigh", "del", address, "dev", "inside")
        back = ("neigh", "del", self._other_end(address), "dev", self._device)
        for words in (there, back):
            subprocess.run(["ip", *words], check=False, capture_output=True)

    def close(self) -> None:
        subprocess.run(["ip", "link", "del", self._device], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)

    def _inside(self, *words: str) -> None:
        _ip("-n", self.name, *words)

    def _other_end(self, address: str) -> str:
        return f"{self.network}.{100 + int(address.rsplit('.', 1)[1])}"


def may_be_made() -> bool:
    """Whether this process may: as root, with iproute2, on a kernel that lets it."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    return subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode == 0


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
