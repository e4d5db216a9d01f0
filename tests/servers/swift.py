"""A real S3 server for a test run: OpenStack Swift with its s3api, from Debian's packages."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers import processes

_CONFIGURED = Path("/etc/swift/swift.conf")
_PACKAGES = ["swift-proxy", "swift-account", "swift-container", "swift-object", "memcached"]
_STORES = ("account", "container", "object")
_RING_PROGRAM = """
import sys
from swift.common.ring import RingBuilder
folder, *stores = sys.argv[1:]
for name, port in (store.split(":") for store in stores):
    ring = RingBuilder(part_power=6, replicas=1, min_part_hours=0)
    device = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1", "weight": 1}
    ring.add_dev({**device, "replication_ip": "127.0.0.1", "replication_port": int(port)})
    ring.rebalance()
    ring.get_ring().save(f"{folder}/{name}.ring.gz")
"""
_INSTALL = "apt-get install --no-install-recommends " + " ".join(_PACKAGES)


@dataclass(frozen=True)
class S3Access:
    """What a client needs to reach the server."""

    endpoint: str
    region: str = "us-east-1"
    access_key_id: str = "test:tester"
    secret_access_key: str = "testing"

    def environment(self) -> dict[str, str]:
        """The PATCHSWAP_S3_* settings of this server."""
        return {
            "PATCHSWAP_S3_ENDPOINT": self.endpoint,
            "PATCHSWAP_S3_REGION": self.region,
            "PATCHSWAP_S3_ACCESS_KEY_ID": self.access_key_id,
            "PATCHSWAP_S3_SECRET_ACCESS_KEY": self.secret_access_key,
        }


class SwiftServer:
    """One proxy, one store of each kind, one memcached; buckets are made by `create_bucket`."""

    def __init__(self, folder: Path) -> None:
        install_packages()
        self._folder = folder
        self._ports = {name: processes.spare_port() for name in (*_STORES, "proxy", "memcached")}
        self._running: list[subprocess.Popen] = []
        self.access = S3Access(endpoint=f"http://127.0.0.1:{self._ports['proxy']}")
        (folder / "devices" / "d1").mkdir(parents=True)
        self._write_rings()
        self._write("swift.conf", "[swift-hash]\nswift_hash_path_suffix = only-for-tests\n")
        for store in _STORES:
            self._write(f"{store}-server.conf", _store_configuration(store, self._ports[store], folder))
        self._write("proxy-server.conf", _proxy_configuration(self._ports["proxy"], self._ports["memcached"], folder))

    def start(self) -> None:
        memcached = ["memcached", "-l", "127.0.0.1", "-p", str(self._ports["memcached"]), "-u", _user()]
        self._start("memcached", memcached)
        for name in (*_STORES, "proxy"):
            self._start(name, [f"swift-{name}-server", str(self._folder / f"{name}-server.conf")])
        for name, process in zip(("memcached", *_STORES, "proxy"), self._running, strict=True):
            processes.wait_until_ready(
                process, lambda port=self._ports[name]: _listens(port), log=self._folder / f"{name}.log"
            )

    def stop(self) -> None:
        for process in reversed(self._running):
            processes.end(process, signal.SIGTERM)
        self._running.clear()

    def kill(self) -> None:
        for process in self._running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._running.clear()

    def create_bucket(self, name: str) -> None:
        """Makes bucket `name` through Swift's own API, where a container is a bucket; repeating it is harmless."""
        url, headers = self._login()
        deadline = time.monotonic() + 20
        while (answer := httpx.put(f"{url}/{name}", headers=headers)).status_code == 503:
            if time.monotonic() > deadline:  # on a busy machine its stores take seconds to find each other
                break
            time.sleep(0.2)
        answer.raise_for_status()

    def open_uploads(self, bucket: str) -> list[str]:
        """Multipart uploads that were begun and neither completed nor aborted: `key/upload id`."""
        url, headers = self._login()
        answer = httpx.get(f"{url}/{bucket}+segments", headers=headers, params={"limit": 10_000})
        names = answer.text.splitlines() if answer.status_code == 200 else []
        # Swift keeps a marker `key/id` for as long as an upload is open, beside its parts `key/id/number`.
        return [name for name in names if not name.rpartition("/")[2].isdigit()]

    def _login(self) -> tuple[str, dict[str, str]]:
        user, key = self.access.access_key_id, self.access.secret_access_key
        login = httpx.get(f"{self.access.endpoint}/auth/v1.0", headers={"X-Auth-User": user, "X-Auth-Key": key})
        login.raise_for_status()
        return login.headers["X-Storage-Url"], {"X-Auth-Token": login.headers["X-Auth-Token"]}

    def _start(self, name: str, command: list[str]) -> None:
        self._running.append(processes.start(command, log=self._folder / f"{name}.log"))

    def _write_rings(self) -> None:
        """What nine calls of `swift-ring-builder` do, in one: each of them starts for 0.8 s."""
        arguments = [str(self._folder), *(f"{store}:{self._ports[store]}" for store in _STORES)]
        subprocess.run(["/usr/bin/python3", "-c", _RING_PROGRAM, *arguments], check=True, capture_output=True)

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text)


def install_packages() -> None:
    """Installs Swift on a fresh Debian machine when root; raises with the line to type otherwise."""
    lock = Path("/tmp/patchswap-tests-swift.lock")  # one installation at a time, whoever asks
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        programs = all(shutil.which(name) for name in ("swift-proxy-server", "swift-object-server", "memcached"))
        if programs and _CONFIGURED.is_file():  # unpacked alone is not enough: the servers ask for it
            return
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise RuntimeError(f"the S3 tests need OpenStack Swift; on Debian or Ubuntu: sudo {_INSTALL}")
        _as_root("dpkg", "--configure", "-a")  # an installation that was cut off leaves packages half configured
        _as_root("apt-get", "update")
        _as_root(*_INSTALL.split(), "-y")


def _as_root(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")


def _store_configuration(store: str, port: int, folder: Path) -> str:
    return f"""
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
devices = {folder / "devices"}
mount_check = false
user = {_user()}
workers = 0
[pipeline:main]
pipeline = {store}-server
[app:{store}-server]
use = egg:swift#{store}
recon_cache_path = {folder}
"""


def _proxy_configuration(port: int, memcached_port: int, folder: Path) -> str:
    pipeline = "catch_errors proxy-logging cache listing_formats s3api tempauth bulk slo dlo proxy-logging proxy-server"
    simple = {"cache": "memcache", "proxy-logging": "proxy_logging"}
    filters = {name: f"use = egg:swift#{simple.get(name, name)}" for name in pipeline.split()[:-1]}
    filters["cache"] += f"\nmemcache_servers = 127.0.0.1:{memcached_port}"
    filters["s3api"] += "\ns3_acl = false\nlocation = us-east-1"
    filters["tempauth"] += "\nuser_test_tester = testing .admin"
    sections = "\n".join(f"[filter:{name}]\n{lines}" for name, lines in filters.items())
    return f"""
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
user = {_user()}
workers = 0
[pipeline:main]
pipeline = {pipeline}
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
{sections}
"""


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
