"""Which operating-system account runs Postgres, which refuses to run as root.

An ordinary user runs everything as himself. Root (containers, CI) gets one system account, and only search permission
on the folders above the cluster, so that nothing in between becomes listable.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

POSTGRES_ACCOUNT = "pgserver"
_USERADD_TRIES = 20


def postgres_account() -> str | None:
    """The account that must run Postgres, or `None` when the current user may run it himself."""
    if os.geteuid() != 0:
        return None
    for _ in range(_USERADD_TRIES):
        if _account_exists(POSTGRES_ACCOUNT):
            return POSTGRES_ACCOUNT
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", POSTGRES_ACCOUNT]
        if subprocess.run(command, check=False, capture_output=True).returncode != 0:
            time.sleep(0.1)  # another process holds the lock of /etc/passwd
    raise RuntimeError(
        f"Postgres refuses to run as root and the account '{POSTGRES_ACCOUNT}' could not be made; run as another user"
    )


def identity(account: str | None) -> dict[str, Any]:
    """The arguments of `subprocess` that start a process as `account`, without root's groups."""
    return {"user": account, "group": pwd.getpwnam(account).pw_gid, "extra_groups": []} if account else {}


def hand_over(folder: Path, account: str | None) -> None:
    """Makes `folder` and the way to it usable by `account`; nothing to do for the current user."""
    if account is None:
        return
    shutil.chown(folder, user=account)
    open_way_to(folder)


def open_way_to(path: Path) -> None:
    """Adds search permission, and no more, to each folder above `path` that lacks it."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _account_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
