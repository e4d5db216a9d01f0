"""Child processes that touch what strangers sent: without our settings, within limits of the kernel, dead with us."""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here: little may happen between fork and exec


def die_with(parent: int) -> None:
    """Called in a child: ask the kernel for SIGKILL when the thread of `parent` that started it ends."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def environment() -> dict[str, str]:
    """Ours but for the settings of the service: no database, no broker, no keys."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PATCHSWAP_")}


def confine(
    *, memory_bytes: int, cpu_seconds: int, file_bytes: int, open_files: int, cpu_slack_seconds: int = 0
) -> None:
    """Limit this process for good. SIGXCPU comes after `cpu_seconds`, SIGKILL after the slack."""
    for kind, soft, slack in (
        (resource.RLIMIT_AS, memory_bytes, 0),
        (resource.RLIMIT_CPU, cpu_seconds, cpu_slack_seconds),
        (resource.RLIMIT_FSIZE, file_bytes, 0),
        (resource.RLIMIT_NOFILE, open_files, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        most = resource.getrlimit(kind)[1]
        unlimited = most == resource.RLIM_INFINITY
        hard = soft + slack if unlimited else min(soft + slack, most)
        resource.setrlimit(kind, (min(soft, hard), hard))
