"""The object store: errors, slowness, cut answers, lies, absence; uploads broken off; a disk that is full."""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

from tests.nemesis.faults.processes import send, tree
from tests.nemesis.run import INTERVAL, Fault, NotFired, Run, now
from tests.nemesis.world import POSTGRES_MEGABYTES, SHORT, wait_for
from tests.servers.proxy import BreakingProxy
from tests.servers.proxy import Fault as HttpFault
from tests.servers.small_disk import mount_small, unmount

METHODS = ("GET", "PUT", "POST", "HEAD", "DELETE")
LARGE = {"fake/checkpoint_bytes": str(11 * 2**20)}  # more than one part
LIE = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>InternalError</Code><Message>We failed.</Message></Error>'
STEP_OVERHEAD_PERCENT = 5.0  # what the matrix allows
LONG_STEP_SECONDS = 0.1
PART_BYTES = 16 * 2**20


@contextmanager
def http_proxy(run: Run) -> Iterator[BreakingProxy]:
    """The wires to the store lead through a proxy that understands what passes."""
    proxy = BreakingProxy(run.world.swift.access.endpoint, keep_host=True)
    links = [run.world.link(side, "s3") for side in ("api", "workers")]
    before = links[0].upstream_port
    for link in links:
        link.upstream_port = int(proxy.url.rsplit(":", 1)[1])
        link.cut()
    try:
        yield proxy
    finally:
        for link in links:
            link.upstream_port = before
            link.cut()
        proxy.close()


def errors(run: Run) -> None:
    """Three in ten requests of workers and api fail by 500, 503 or SlowDown."""
    with http_proxy(run) as proxy:
        slow = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
        broken = [
            HttpFault(method, ".", "refuse", status=status, body=body, times=10**9, chance=0.11)
            for method in METHODS
            for status, body in ((500, b""), (503, slow), (502, b""))
        ]
        proxy.faults += broken
        begun_at = now()
        job_id = run.submit(steps=60, labels=LARGE)
        run.wait_status(job_id, "succeeded", "failed", seconds=200)
        run.figure("job_seconds", now() - begun_at)
        failed = sum(10**9 - fault.times for fault in broken)
        run.demand(run.claims(job_id) == 1, "the job was interrupted")
        run.figure("requests_failed_share", failed / max(1, len(proxy.seen)))
        if not failed:
            raise NotFired("no request failed")
        run.fired(f"{failed} of {len(proxy.seen)} requests failed")


def slow(run: Run) -> None:
    """Each answer takes seconds and the link carries 100 KB/s: the training does not wait for its uploads.

    The machine is shared, so one pair of trainings says little: three may be compared, and one has to hold.
    """
    overheads: list[float] = []
    while len(overheads) < 3 and min(overheads, default=100.0) > STEP_OVERHEAD_PERCENT:
        overheads.append(_step_overhead_percent(run))
    run.figure("step_overhead_percent", min(overheads))
    told = ", ".join(f"{overhead:.1f}" for overhead in overheads)
    run.demand(min(overheads) <= STEP_OVERHEAD_PERCENT, f"a step took {told} % longer beside a slow store")
    run.fired(f"the store slow during {len(overheads)} trainings")


def _step_overhead_percent(run: Run) -> float:
    """Of the same training and the same checkpoints, once with a fast and once with a slow store."""
    link = run.world.link("workers", "s3")
    checkpoints = {"fake/checkpoint_bytes": "100000"}
    plain = _training_seconds(run, run.submit(steps=200, labels=checkpoints))
    job_id = run.submit(steps=200, labels=checkpoints)
    run.wait_step(job_id, 1)
    link.delay_seconds, link.bytes_per_second = run.rng.uniform(0.5, 2), 100_000.0
    slowed = _training_seconds(run, job_id)
    link.heal()
    return 100 * (slowed / plain - 1)


def lies(run: Run) -> None:
    """200 with an error inside, answers cut short: nothing of it is taken for a success."""
    with http_proxy(run) as proxy:
        complete = HttpFault("POST", "uploadId=", "refuse", status=200, body=LIE, times=2)
        complete.headers = {"Content-Type": "application/xml"}
        cut = HttpFault("GET", r"\.ckpt|samples", "cut_answer", after_bytes=run.rng.randrange(0, 1000), times=2)
        lost = HttpFault("PUT", "partNumber=|model", "drop_answer", times=1)
        proxy.faults += [complete, cut, lost]
        job_id = run.submit(steps=100, labels=LARGE)
        wait_for(lambda: _has_checkpoint(run, job_id), seconds=90, what="a checkpoint")
        fence = run.claims(job_id)
        send(tree(run.holder(job_id)), signal.SIGKILL)
        run.recovered(job_id, now(), fence=fence)
        run.wait_status(job_id, "succeeded", "failed", seconds=200)
        told = {"completes that lied": 2 - complete.times, "answers cut": 2 - cut.times, "lost": 1 - lost.times}
    if not (told["completes that lied"] and told["answers cut"]):
        raise NotFired(str(told))
    run.fired(str(told))


def away(run: Run) -> None:
    """The store is away over checkpoints and the publication: nothing is given up, no step is lost."""
    seconds = run.outage_seconds(90 if run.production else run.rng.uniform(5, 20))
    # With production's settings it trains for as long; otherwise the outage outlasts it.
    long = {"steps": int(seconds / LONG_STEP_SECONDS), "step_seconds": LONG_STEP_SECONDS} if run.production else {}
    job_id = run.submit(**{"steps": 100} | long)
    begun = run.wait_step(job_id, run.rng.randrange(1, 60))["progress"]["step"]
    run.world.link("workers", "s3").mode = run.rng.choice(["refuse", "stall"])
    away_at = now()
    time.sleep(seconds)
    trained = run.job(job_id)["progress"]["step"] - begun
    run.world.heal()
    back_at = now()
    run.wait_status(job_id, "succeeded", seconds=200)
    if long:
        run.figure("pace_share", trained * LONG_STEP_SECONDS / seconds)
    run.figure("recovery_seconds", now() - back_at)
    run.demand(run.claims(job_id) == 1, "the training was interrupted")
    run.fired(f"the store away for {back_at - away_at:.0f} s")


def api_dies_in_upload(run: Run) -> None:
    """kill -9 of the api half way through a part: what arrived stays, the rest is sent again, the whole is right."""
    content = run.rng.randbytes(PART_BYTES * 2 + 1000)
    digest = hashlib.sha256(content).hexdigest()
    body = {"bytes": len(content), "sha256": digest, "media_type": "application/zip"}
    upload = run.customer.insist("upload", "POST", "/v1/uploads", body=body, key=f"{run.name}-upload").json()
    parts = [content[at : at + PART_BYTES] for at in range(0, len(content), PART_BYTES)]
    url = f"{run.world.api.url}/v1/uploads/{upload['id']}"
    headers = {"Authorization": f"Bearer {run.world.key}"}
    with httpx.Client(headers=headers, trust_env=False, timeout=60) as http:
        http.put(f"{url}/parts/1", content=parts[0]).raise_for_status()
        try:
            http.put(f"{url}/parts/2", content=_dying(run, parts[1]))
        except httpx.HTTPError:
            run.fired("kill -9 of the api in the middle of part 2")
        run.world.api.start()
        answer = http.get(url)
        run.demand(_received(answer) == [1], f"received after the kill: {_received(answer)}")
        for number in (2, 3):
            http.put(f"{url}/parts/{number}", content=parts[number - 1]).raise_for_status()
        done = http.post(f"{url}/complete", headers={"Idempotency-Key": f"{run.name}-complete"})
        run.demand(done.status_code == 200 and done.json()["status"] == "complete", done.text[:200])
        run.figure("bytes_saved_share", PART_BYTES / len(content))
        http.delete(url).raise_for_status()


def wrong_uploads(run: Run) -> None:
    """Another sha256, a part too short, a part too long, a Content-Length that lies: refused, and nothing is stored."""
    content = run.rng.randbytes(run.rng.randrange(1_000, 100_000))
    wrong = hashlib.sha256(b"another").hexdigest()
    headers = {"Authorization": f"Bearer {run.world.key}"}
    with httpx.Client(base_url=run.world.api.url, headers=headers, trust_env=False, timeout=30) as http:

        def announce(sha256: str, name: str) -> str:
            body = {"bytes": len(content), "sha256": sha256, "media_type": "application/zip"}
            made = http.post("/v1/uploads", json=body, headers={"Idempotency-Key": f"{run.name}-{name}"})
            return str(made.json()["id"])

        mine = announce(hashlib.sha256(content).hexdigest(), "length")
        for sent in (content[:-1], content + b"x", b""):
            answer = http.put(f"/v1/uploads/{mine}/parts/1", content=sent)
            run.demand(answer.status_code in (400, 413, 422), f"{len(sent)} bytes: {answer.status_code}")
        run.demand(_received(http.get(f"/v1/uploads/{mine}")) == [], "a part of wrong length was kept")
        other = announce(wrong, "sha")
        http.put(f"/v1/uploads/{other}/parts/1", content=content).raise_for_status()
        answer = http.post(f"/v1/uploads/{other}/complete", headers={"Idempotency-Key": f"{run.name}-c"})
        run.demand(answer.status_code == 422, f"another sha256: {answer.status_code}")
        made = http.post(
            "/v1/datasets", json={"name": "d", "upload_id": other}, headers={"Idempotency-Key": f"{run.name}-d"}
        )
        run.demand(made.status_code in (409, 422), f"a dataset of it: {made.status_code}")
        for each in (mine, other):
            http.delete(f"/v1/uploads/{each}").raise_for_status()
    run.fired("three wrong lengths and a wrong sha256")


def disk_full(run: Run) -> None:
    """The disk of the worker is full at a checkpoint, or that of Postgres at a commit: a named end, nothing corrupt."""
    (_worker_disk_full if run.seed % 2 else _postgres_disk_full)(run)


def _worker_disk_full(run: Run) -> None:
    """The job fails by name; once there is room, the customer resumes it from the checkpoint that was stored."""
    with _small_disk(run.world.folder / "disk-0", megabytes=4) as disk:
        job_id = run.submit(steps=100, labels={"fake/checkpoint_bytes": "400000"}, expects=["succeeded"])
        wait_for(lambda: _has_checkpoint(run, job_id), seconds=60, what="a checkpoint")
        _fill(disk)
        job = run.wait_status(job_id, "failed", "succeeded")
        (disk / "ballast").unlink()
        if job["status"] == "succeeded":
            raise NotFired("the job needed no more room")
        run.demand(job["error"]["code"] == "disk_full", f"it failed as {job['error']['code']}")
        full_at = now()
        fence = run.claims(job_id)
        run.customer.ask("resume", job_id, key=f"{run.name}-resume").raise_for_status()
        run.recovered(job_id, full_at, fence=fence)
        run.wait_status(job_id, "succeeded", "failed")
        wait_for(lambda: not list(disk.glob("attempts/job_*")), seconds=30, what="the worker's folder is empty")
    run.fired("the worker's disk was full; " + job["error"]["message"])


def _postgres_disk_full(run: Run) -> None:
    job_id = run.submit(steps=200)
    run.wait_step(job_id, run.rng.randrange(1, 100))
    server, disk = run.world.postgres, run.world.postgres_disk
    full_at = now()
    try:
        run.world.execute("CREATE TABLE IF NOT EXISTS nemesis_ballast (content text)")
        _fill(disk)
        refusal = _write_until_refused(run)
        _go_on_asking(run, run.rng.uniform(2, 8))
    finally:
        (disk / "ballast").unlink()
    if server.process is not None and server.process.poll() is not None:
        server.start()
    wait_for(lambda: run.job(job_id), seconds=60, what="Postgres is back")
    room_at = now()
    run.world.execute("DROP TABLE nemesis_ballast")
    run.wait_status(job_id, "succeeded", seconds=200)
    run.figure("after_room_seconds", now() - room_at)
    run.fired(f"Postgres's disk was full for {room_at - full_at:.0f} s: {refusal}")


def _write_until_refused(run: Run) -> str:
    """What somebody else writes: Postgres has room in old segments of its log, and that has to go first.

    Its own log lies on the same disk, and cannot tell of it. Raises NotFired.
    """
    megabyte = "SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 32000)"
    try:
        for _ in range(POSTGRES_MEGABYTES):
            run.world.execute(f"INSERT INTO nemesis_ballast {megabyte}")
    except psycopg.Error as error:
        return type(error).__name__
    raise NotFired("Postgres found room")


def _go_on_asking(run: Run, seconds: float) -> None:
    until = now() + seconds
    while now() < until:
        run.customer.once("submit_refused", "POST", "/v1/jobs/validate", body={"dataset": run.world.version.id})
        time.sleep(0.1)


@contextmanager
def _small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    if not mount_small(folder, megabytes=megabytes):
        raise NotFired("this machine lets nobody mount a small disk")
    try:
        yield folder
    finally:
        unmount(folder)


def _fill(disk: Path) -> None:
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def _training_seconds(run: Run, job_id: str) -> float:
    """From the first event of its training to its evaluation."""
    run.wait_status(job_id, "succeeded", seconds=200)
    statement = """SELECT extract(epoch FROM
        min(at) FILTER (WHERE type = 'phase' AND data->>'phase' = 'evaluate')
        - min(at) FILTER (WHERE type = 'phase' AND data->>'phase' = 'train')) AS s FROM job_events WHERE job_id = %s"""
    return float(run.world.rows(statement, job_id)[0]["s"])


def _dying(run: Run, part: bytes) -> Iterator[bytes]:
    """The first half of a part, and then the end of who reads it."""
    yield part[: len(part) // 2]
    time.sleep(run.rng.uniform(0, 0.5))
    run.world.api.kill()
    yield part[len(part) // 2 :]


def _received(answer: httpx.Response) -> list[int]:
    return [part["number"] for part in answer.json()["parts"] if part["received"]]


def _has_checkpoint(run: Run, job_id: str) -> bool:
    return bool(run.world.rows("SELECT 1 FROM checkpoints WHERE job_id = %s LIMIT 1", job_id))


FAULTS = [
    Fault("F26", "api killed in the middle of an upload", api_dies_in_upload),
    Fault("F28", "uploads of wrong length or content", wrong_uploads),
    Fault("F29", "three in ten requests to the store fail", errors, end_seconds=300),
    Fault("F30", "a slow store: 0.5 to 2 s a chunk, 100 KB/s", slow, target="a step +5 %", end_seconds=300),
    Fault("F31", "200 with an error inside, answers cut", lies, lost_limit=3 * INTERVAL, end_seconds=300),
    Fault("F32", "the store away (production: 90 s)", away, settings=SHORT | {"STALL": "60"}, production=True),
    Fault("F33", "disk full: the worker's, or Postgres's", disk_full, workers=1),
]
