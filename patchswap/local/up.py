"""`patchswap up`: the whole service on this machine, with nothing configured.

The order of a start and of a stop, and the settings every process gets. How a process is kept alive is
`patchswap.local.embedded`'s part.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import redis

from patchswap import credentials
from patchswap.local import service
from patchswap.local.embedded import accounts, layout, leftovers, local_key, lock, postgres
from patchswap.local.embedded import redis as broker
from patchswap.local.embedded.child import Part
from patchswap.local.embedded.layout import Layout
from patchswap.local.embedded.refusal import CannotStart
from patchswap.local.embedded.supervisor import Stopped, Supervisor, say

DATABASE = "patchswap"
Ready = Callable[[credentials.Credentials], None]
# Longer than a worker's own: it gives its job 50 s for a checkpoint and itself 10 more.
_WORKER_GRACE_SECONDS = 75.0
_START_SECONDS = 120.0  # a busy machine is slow, not broken


def default_data_dir() -> Path:
    """PATCHSWAP_DATA_DIR, or ~/.patchswap."""
    return credentials.local_file().parent


@dataclass(frozen=True)
class Crew:
    """How many jobs are trained side by side, and on how many threads each."""

    train_workers: int = 1
    threads: int | None = None  # None: the cores, divided among them; of one worker whatever torch takes

    @property
    def environment(self) -> dict[str, str]:
        """Nothing where it is as the shell has it."""
        if self.threads is None and self.train_workers == 1:
            return {}
        return {"OMP_NUM_THREADS": str(self.threads or max(1, (os.cpu_count() or 1) // self.train_workers))}


def run(
    data_dir: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    crew: Crew | None = None,
    ready: Ready | None = None,
) -> int:
    """Runs the service until Ctrl-C or SIGTERM; returns the exit status, 1 when it cannot start.

    `ready` is called once the service answers, with the address and the key of this machine's client.
    """
    url = f"http://{_reachable(host)}:{port}"
    try:
        places = layout.prepare(data_dir)
        with lock.hold(places.lock, url):
            _require_free_port(host, port)
            _serve(places, crew or Crew(), host=host, port=port, url=url, ready=ready)
    except (CannotStart, RuntimeError, OSError, psycopg.Error, httpx.HTTPError) as refusal:
        say(str(refusal))
        return 1
    return 0


def environment_of(places: Layout) -> dict[str, str]:
    """The settings of the service in a data directory, for a program that looks at it."""
    known = credentials.read(places.client)
    return _environment(places, known.url if known else "", "127.0.0.1")


def _serve(places: Layout, crew: Crew, *, host: str, port: int, url: str, ready: Ready | None) -> None:
    leftovers.end_all(places)
    layout.empty_run_folder(places)
    supervisor = Supervisor(logs=places.logs, environment=_environment(places, url, host) | crew.environment)
    _heed_signals(supervisor)
    try:
        _start_servers(supervisor, places)
        supervisor.run_once("migrations", service.command("migrations"))
        for module, file in (("core.signing", places.signing_key), ("core.webhooks.secrets", places.webhook_keys)):
            if not file.exists():
                supervisor.run_once(module, service.command(module, "--create", str(file)))
        _start_service(supervisor, crew, host=host, port=port)
        supervisor.wait_until(lambda: _answers(f"{url}/readyz"), what="the api", seconds=_START_SECONDS)
        known = _ensure_client(supervisor, places, url)
        print(f"ready {url}", flush=True)
        if ready is not None:
            ready(known)
        supervisor.watch()
        say("stopping; running jobs save a checkpoint (Ctrl-C again to stop at once)")
    except Stopped:
        say("stopping")
    finally:
        supervisor.stop()
        leftovers.end_all(places)
        shutil.rmtree(places.run, ignore_errors=True)


def _heed_signals(supervisor: Supervisor) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue  # started by nohup, it outlives its terminal
        signal.signal(number, lambda *_: supervisor.request_stop())


def _start_servers(supervisor: Supervisor, places: Layout) -> None:
    account = accounts.postgres_account()
    postgres.create_cluster(places.cluster, account=account)
    if account:
        accounts.open_way_to(places.cluster)
        accounts.hand_over(places.postgres_sockets, account)
    supervisor.start(_postgres(places, account), _redis(places))
    conninfo = postgres.conninfo(places.postgres_sockets, "postgres")
    supervisor.wait_until(lambda: postgres.accepts_connections(conninfo), what="Postgres", seconds=_START_SECONDS)
    postgres.ensure_database(conninfo, DATABASE)
    client = redis.Redis(unix_socket_path=str(places.redis_socket))
    supervisor.wait_until(lambda: broker.accepts_connections(client), what="Redis", seconds=_START_SECONDS)


def _postgres(places: Layout, account: str | None) -> Part:
    return Part(
        "postgres",
        postgres.command(places.cluster, places.postgres_sockets),
        stop_signal=signal.SIGINT,  # fast shutdown: closes connections, writes a checkpoint
        orphan_signal=signal.SIGINT,
        grace_seconds=30.0,
        account=account,
    )


def _redis(places: Layout) -> Part:
    configuration = broker.configuration(places.redis, socket=places.redis_socket)
    command = broker.command(broker.write_configuration(places.redis, configuration), tell=say)
    return Part("redis", command, orphan_signal=signal.SIGTERM)


def _start_service(supervisor: Supervisor, crew: Crew, *, host: str, port: int) -> None:
    supervisor.start(Part("api", service.command("api", "--host", host, "--port", str(port))))
    trainers = ["worker-train", *(f"worker-train-{number}" for number in range(2, crew.train_workers + 1))]
    supervisor.start(*(_worker(name, "train") for name in trainers), _worker("worker-short", "short"))


def _worker(name: str, queue: str) -> Part:
    return Part(name, service.command("worker", queue), grace_seconds=_WORKER_GRACE_SECONDS)


def _ensure_client(supervisor: Supervisor, places: Layout, url: str) -> credentials.Credentials:
    key = local_key.stored(places.client)
    if key is None or not local_key.is_accepted(url, key):
        answer = supervisor.run_once("bootstrap", service.command("core.bootstrap", "--name", "default", "--operator"))
        key = json.loads(answer.strip().splitlines()[-1])["api_key"]
    found = credentials.Credentials(url, key)
    credentials.write(places.client, found)
    return found


def _environment(places: Layout, url: str, host: str) -> dict[str, str]:
    """What the user has set, but where the data is: that is this directory's business."""
    return (
        {
            "PATCHSWAP_ALLOWED_HOSTS": _names(host),
            "PATCHSWAP_WEBHOOK_ALLOW_PRIVATE": str(bool(_names(host))),  # of nobody but who uses this machine anyway
            "PATCHSWAP_SIGNING_KEY_FILE": str(places.signing_key),
            "PATCHSWAP_SIGNING_PUBLIC_KEY_FILE": f"{places.signing_key}.pub",
            "PATCHSWAP_WEBHOOK_KEYS_FILE": str(places.webhook_keys),
            "PATCHSWAP_WARM_TRAINER": "true",  # the first job is one of seconds
        }
        | service.variables(os.environ)
        | {
            "PATCHSWAP_DATABASE_URL": postgres.socket_url(places.postgres_sockets, DATABASE),
            "PATCHSWAP_REDIS_URL": f"redis+socket://{quote(str(places.redis_socket))}",
            "PATCHSWAP_OBJECTS_URL": f"file://{places.objects}",  # not quoted: core.store takes the path literally
            "PATCHSWAP_SCRATCH_DIR": str(places.scratch),
            "PATCHSWAP_PUBLIC_URL": url,
            "PYTHONUNBUFFERED": "1",  # a log that is current when it is read
            leftovers.MARK: str(places.root),
        }
    )


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _require_free_port(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CannotStart(f"Cannot listen on {host} port {port}: {error.strerror}. Choose another --port.") from error


def _names(host: str) -> str:
    """The `Host` headers to answer to: none but this machine's own, unless it serves others too."""
    local = ("127.0.0.1", "localhost", "[::1]")
    return ",".join(local) if host in (*local, "::1") else ""


def _reachable(host: str) -> str:
    """How this machine's own clients reach what listens on `host`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{host}]" if ":" in host else host
