"""`python -m core.provision --workers FOLDER --shared FOLDER`: the keys of a deployment, made where they are missing.

FOLDER of `--workers` gets the private key that bundles are signed with, which the api must not see; that of `--shared`
its public half and the key that seals secrets of webhooks, for api and workers. A key that is there stays: one that is
replaced is lost, and with it what it sealed.
"""

import argparse
import sys
from pathlib import Path

from core import signing
from core.webhooks import secrets

SIGNING_KEY, WEBHOOK_KEYS = "signing_key.pem", "webhook_keys"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m core.provision", description=__doc__)
    parser.add_argument("--workers", type=Path, metavar="FOLDER", required=True)
    parser.add_argument("--shared", type=Path, metavar="FOLDER", required=True)
    arguments = parser.parse_args()
    try:
        for told in provide(arguments.workers, arguments.shared):
            sys.stdout.write(told + "\n")
    except OSError as error:
        sys.stderr.write(f"python -m core.provision: {error.filename}: {error.strerror}\n")
        return 1
    return 0


def provide(workers: Path, shared: Path) -> list[str]:
    """What was made, a sentence each; nothing where all was there. Raises OSError."""
    told = []
    key, seals = workers / SIGNING_KEY, shared / WEBHOOK_KEYS
    if not key.exists():
        told.append(f"made {key}, which signs bundles: {signing.create(key).key_id}")
    public = signing.public_path(shared / SIGNING_KEY)
    wanted = signing.public_path(key).read_bytes()
    if not public.exists() or public.read_bytes() != wanted:
        _replace(public, wanted)
        told.append(f"copied its public half to {public}")
    if not seals.exists():
        secrets.create(seals)
        told.append(f"made {seals}, which seals secrets of webhooks")
    return told


def _replace(path: Path, content: bytes) -> None:
    """Whole or not at all: a start may be cut off anywhere."""
    draft = path.with_name(f".{path.name}.partial")
    draft.write_bytes(content)
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
