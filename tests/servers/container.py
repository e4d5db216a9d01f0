"""A process as Docker Compose would run it, without Docker: its own mounts, processes and host name, and few rights.

As `read_only`, `tmpfs: [/tmp]`, `cap_drop: [ALL]`, `no-new-privileges`, `init` and `USER 10001` have it. The network is
this machine's, and memory is not limited. Linux, as root.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import debian, processes

USER = 10001
PACKAGES = {"tini": "tini", "setpriv": "util-linux", "unshare": "util-linux", "g++": "g++"}
_SYSTEM = ("/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64")
_DEVICES = ("null", "zero", "full", "random", "urandom")


def may_be_made() -> bool:
    """Whether this process may make one: as root, on a kernel that lets it."""
    if os.geteuid() != 0:
        return False
    command = ["unshare", "--mount", "--pid", "--uts", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@dataclass(frozen=True)
class Container:
    """What one sees: the system's folders and `code` read-only where they are, `volumes` by their path inside."""

    name: str
    environment: Mapping[str, str]
    code: Mapping[Path, str] = field(default_factory=dict)  # read-only, by the path inside
    volumes: Mapping[Path, str] = field(default_factory=dict)  # path inside, with `:ro` where it is that
    workdir: str = "/tmp"

    def command(self, arguments: list[str]) -> list[str]:
        """The command line that runs `arguments` in it."""
        tini = debian.find("tini")
        rights = f"--reuid={USER} --regid={USER} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all"
        variables = [f"{name}={value}" for name, value in {"PATH": "/usr/bin:/bin", **self.environment}.items()]
        run = ["env", "--ignore-environment", f"--chdir={self.workdir}", *variables, *arguments]
        inside = f"exec chroot /mnt setpriv {rights} {tini} -- {shlex.join(run)}"
        script = "\n".join(["set -eu", f"hostname {self.name}", *self._mounts(), inside])
        return ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "sh", "-c", script]

    def start(self, arguments: list[str], log: Path) -> subprocess.Popen:
        return processes.start(self.command(arguments), log=log)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """To its end, beside what runs in others of the same name."""
        return subprocess.run(self.command(list(arguments)), check=False, capture_output=True, text=True)

    def _mounts(self) -> list[str]:
        lines = ["mount --make-rprivate /", "mount -t tmpfs -o mode=0755 root /mnt"]
        for name in _SYSTEM:
            path = Path(name)
            if path.is_symlink():
                lines.append(f"ln -s {path.readlink()} /mnt{name}")
            elif path.is_dir():
                lines += _bind(path, name, read_only=True)
        for source, inside in self.code.items():
            lines += _bind(source, inside, read_only=True)
        for source, told in self.volumes.items():
            inside, _, mode = told.partition(":")
            lines += _bind(source, inside, read_only=mode == "ro")
        lines += ["mkdir -p /mnt/dev /mnt/proc /mnt/tmp", "mount -t proc proc /mnt/proc"]
        for device in _DEVICES:
            lines += [f"touch /mnt/dev/{device}", f"mount --bind /dev/{device} /mnt/dev/{device}"]
        lines += ["mkdir /mnt/dev/shm", "mount -t tmpfs -o nosuid,nodev,noexec,size=1g shm /mnt/dev/shm"]
        lines += ["mount -t tmpfs -o nosuid,nodev,noexec,mode=1777 tmp /mnt/tmp"]
        return [*lines, "mount -o remount,ro /mnt"]


def _bind(source: Path, inside: str, *, read_only: bool) -> list[str]:
    target = shlex.quote(f"/mnt{inside}")
    lines = [f"mkdir -p {target}", f"mount --bind {shlex.quote(str(source))} {target}"]
    return [*lines, f"mount -o remount,bind,ro {target}"] if read_only else lines
