"""Jobs over a real api and a network that breaks; a worker's part is played by the ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from patchswap.client import Client
from patchswap.errors import Conflict, Invalid, JobUnsuccessful, NotFound, Unauthorized, Unavailable, WaitTimeout
from patchswap.resources import Event, Job
from tests.patchswap.conftest import Worker
from tests.servers.api import ApiServer
from tests.servers.proxy import BreakingProxy, Fault

pytestmark = pytest.mark.usefixtures("quick_retries")


@pytest.fixture
def job(client: Client, dataset_id: str) -> Job:
    return client.jobs.create(dataset=dataset_id, recipe="resnet20_short", training={"epochs": 3})


@pytest.fixture
def worker(job: Job) -> Worker:
    return Worker(job.id)


def test_a_job_is_created_from_a_spec_with_fields_over_it(client: Client, dataset_id: str):
    job = client.jobs.create({"dataset": dataset_id, "recipe": "resnet20", "seed": 1}, seed=7, name="first")
    assert (job.status, job.name, job.spec["seed"]) == ("queued", "first", 7)
    assert job.progress.epochs == 200
    assert client.jobs.get(job.id) == job


@pytest.mark.parametrize("kind", ["drop_answer", "cut_request", "refuse"])
def test_a_create_whose_answer_gets_lost_makes_one_job(
    client: Client, dataset_id: str, proxy: BreakingProxy, count_jobs: Callable[[], int], kind
):
    proxy.faults.append(Fault("POST", "/v1/jobs$", kind, times=3))
    client.jobs.create(dataset=dataset_id)
    requests = proxy.requests("POST", "/v1/jobs$")
    assert len(requests) == 4
    assert len({one.headers["idempotency-key"] for one in requests}) == 1
    assert count_jobs() == 1


def test_two_creates_make_two_jobs(client: Client, dataset_id: str, count_jobs: Callable[[], int]):
    client.jobs.create(dataset=dataset_id)
    client.jobs.create(dataset=dataset_id)
    assert count_jobs() == 2


def test_retry_after_is_honoured(client: Client, proxy: BreakingProxy):
    proxy.faults.append(Fault("GET", "/v1/jobs", "refuse", status=429, headers={"Retry-After": "1"}))
    begun = time.monotonic()
    assert list(client.jobs.list()) == []
    assert 1.0 <= time.monotonic() - begun < 3.0


def test_an_attempt_that_is_still_being_served_is_waited_for(
    client: Client, dataset_id: str, proxy: BreakingProxy, count_jobs: Callable[[], int]
):
    in_flight = Fault("POST", "/v1/jobs$", "refuse", status=409, body=b'{"code": "idempotency_in_flight"}', times=20)
    proxy.faults.append(in_flight)
    client.jobs.create(dataset=dataset_id)
    assert len(proxy.requests("POST", "/v1/jobs$")) == 21
    assert count_jobs() == 1


def test_a_service_that_stays_away_is_given_up(client: Client, proxy: BreakingProxy):
    proxy.faults.append(Fault("GET", "/v1/jobs", "refuse", times=100))
    with pytest.raises(Unavailable, match="503"):
        list(client.jobs.list())
    assert len(proxy.requests("GET", "/v1/jobs")) == 6


def test_what_cannot_succeed_is_not_repeated(client: Client, proxy: BreakingProxy):
    with pytest.raises(NotFound):
        client.jobs.get("job_" + "0" * 32)
    assert len(proxy.requests("GET", "/v1/jobs/")) == 1


def test_a_wrong_spec_names_the_field(client: Client, dataset_id: str):
    with pytest.raises(Invalid, match="/training/epochs") as caught:
        client.jobs.create(dataset=dataset_id, training={"epochs": 0})
    assert caught.value.errors[0].pointer == "/training/epochs"
    assert caught.value.request_id


def test_a_spec_is_checked_without_a_job(client: Client, dataset_id: str, count_jobs: Callable[[], int]):
    checked = client.jobs.validate(dataset=dataset_id, recipe="resnet20", training={"pairs_per_batch": 1000})
    assert checked.resolved["method"]["patch_size"] == 2
    assert [warning["code"] for warning in checked.warnings] == ["batch_reduced"]
    assert count_jobs() == 0


def test_a_wrong_key_says_how_to_log_in(api: ApiServer, proxy: BreakingProxy):
    with Client(proxy.url, "psk_wrong") as stranger, pytest.raises(Unauthorized, match="patchswap login"):
        next(stranger.jobs.list())


def test_jobs_are_listed_over_pages_newest_first(
    client: Client, dataset_id: str, monkeypatch: pytest.MonkeyPatch, proxy: BreakingProxy
):
    monkeypatch.setattr("patchswap.calls.pages.PAGE", 2)
    created = [client.jobs.create(dataset=dataset_id, seed=seed).id for seed in range(5)]
    assert [job.id for job in client.jobs.list()] == created[::-1]
    assert len(proxy.requests("GET", "/v1/jobs\\?")) == 3


def test_verbs_lead_from_state_to_state(client: Client, job: Job):
    assert job.pause().status == "paused"
    assert job.pause().status == "paused"
    assert job.resume().status == "queued"
    assert job.cancel().status == "cancelled"
    with pytest.raises(Conflict, match="Possible now: resume, retry, delete"):
        job.pause()
    assert job.retry().status == "queued"
    copy = job.clone(seed=9)
    assert (copy.id != job.id, copy.spec["seed"]) == (True, 9)
    job.cancel()
    job.delete()
    with pytest.raises(NotFound):
        job.refresh()


def test_a_delete_whose_answer_gets_lost_is_done(client: Client, job: Job, proxy: BreakingProxy):
    job.cancel()
    proxy.faults.append(Fault("DELETE", "/v1/jobs/", "drop_answer"))
    job.delete()
    with pytest.raises(NotFound):
        job.delete()


def test_a_checkpoint_is_pinned_and_unpinned(client: Client, job: Job, worker: Worker):
    worker.claim()
    worker.save_checkpoint()
    (found,) = job.checkpoints()
    assert not found.pinned
    assert client.jobs.pin(job.id, found.id).pinned
    assert job.checkpoints()[0].pinned
    assert not client.jobs.unpin(job.id, found.id).pinned


def test_waiting_gives_up_without_touching_the_job(client: Client, job: Job):
    with pytest.raises(WaitTimeout, match="It goes on"):
        job.wait(timeout_seconds=0.3)
    assert job.refresh().status == "queued"


def test_waiting_for_a_job_that_fails_raises(client: Client, job: Job, worker: Worker):
    worker.claim()
    worker.end("failed")
    with pytest.raises(JobUnsuccessful, match=f"job {job.id} failed"):
        job.wait()


class Follower:
    """Watches a job in a thread, until its end."""

    def __init__(self, client: Client, job_id: str) -> None:
        self.events: list[Event] = []
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._follow, args=(client, job_id))
        self._thread.start()

    def _follow(self, client: Client, job_id: str) -> None:
        try:
            for event in client.jobs.watch(job_id):
                self.events.append(event)
        except Exception as error:  # noqa: BLE001 - for the test to look at
            self.error = error

    def wait_for(self, message: str) -> None:
        deadline = time.monotonic() + 30
        while message not in self.messages():
            assert time.monotonic() < deadline, (message, self.events, self.error)
            time.sleep(0.02)

    def messages(self) -> list[str]:
        return [event.data["message"] for event in self.events if event.type == "notice"]

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert self.error is None

    def seqs(self) -> list[int]:
        return [event.seq for event in self.events if event.type != "progress"]


def all_seqs(job: Job) -> list[int]:
    return [event.seq for event in job.events()]


def test_a_job_is_watched_to_its_end(client: Client, job: Job, worker: Worker, proxy: BreakingProxy):
    follower = Follower(client, job.id)
    worker.claim()
    for number in range(3):
        worker.notice(f"notice {number}")
    follower.wait_for("notice 2")
    worker.end("failed")
    follower.join()
    assert follower.seqs() == all_seqs(job)
    assert [e.data["status"] for e in follower.events if e.type == "status"] == ["queued", "running", "failed"]
    assert len(proxy.requests("GET", "/events/stream")) == 1


def test_watching_shows_progress_between_events(client: Client, job: Job, worker: Worker):
    with closing(client.jobs.watch(job.id)) as events:
        worker.claim()
        progress = next(event for event in events if event.type == "progress")
    assert progress.data["epochs"] == 3
    assert progress.data["status"] in ("queued", "running")


def test_a_broken_stream_is_taken_up_by_last_event_id(client: Client, job: Job, worker: Worker, proxy: BreakingProxy):
    worker.claim()
    for number in range(5):
        worker.notice(f"notice {number}")
    proxy.faults.append(Fault("GET", "/events/stream", "cut_answer", after_bytes=700, times=2))
    follower = Follower(client, job.id)
    follower.wait_for("notice 4")
    worker.end("failed")
    follower.join()
    begun = [int(one.headers["last-event-id"]) for one in proxy.requests("GET", "/events/stream")]
    assert begun[0] == 0
    assert len(begun) == 3
    assert begun == sorted(begun)
    assert begun[-1] > 0
    assert follower.seqs() == all_seqs(job)


def test_a_stream_that_begins_anew_repeats_nothing(client: Client, job: Job, worker: Worker, proxy: BreakingProxy):
    proxy.withheld.add("last-event-id")
    worker.claim()
    for number in range(5):
        worker.notice(f"notice {number}")
    proxy.faults.append(Fault("GET", "/events/stream", "cut_answer", after_bytes=700))
    follower = Follower(client, job.id)
    follower.wait_for("notice 4")
    worker.end("failed")
    follower.join()
    assert len(proxy.requests("GET", "/events/stream")) == 2
    assert follower.seqs() == all_seqs(job)


def test_where_streams_do_not_get_through_long_polls_do(client: Client, job: Job, worker: Worker, proxy: BreakingProxy):
    proxy.faults.append(Fault("GET", "/events/stream", "refuse", status=502, times=1000))
    follower = Follower(client, job.id)
    worker.claim()
    worker.notice("heard")
    follower.wait_for("heard")
    worker.notice("heard again")
    follower.wait_for("heard again")
    worker.end("failed")
    follower.join()
    assert follower.seqs() == all_seqs(job)
    assert any("wait=30" in one.path for one in proxy.requests("GET", "/events\\?"))


def test_a_watch_survives_a_restart_of_the_api(client: Client, job: Job, worker: Worker, api: ApiServer):
    follower = Follower(client, job.id)
    worker.claim()
    worker.notice("before")
    follower.wait_for("before")
    api.kill()
    worker.notice("while away")
    api.start()
    follower.wait_for("while away")
    worker.end("failed")
    follower.join()
    assert follower.seqs() == all_seqs(job)


def test_leaving_a_watch_leaves_the_job_alone(client: Client, job: Job, worker: Worker):
    worker.claim()
    with closing(client.jobs.watch(job.id)) as events:
        next(events)
    assert job.refresh().cancel_requested_at is None
    worker.notice("still mine")


def test_watching_an_unknown_job_says_so(client: Client):
    with pytest.raises(NotFound):
        next(client.jobs.watch("job_" + "0" * 32))


def test_watching_a_job_that_is_over_ends_at_once(client: Client, job: Job):
    job.cancel()
    assert [event.data["status"] for event in job.watch() if event.type == "status"] == ["queued", "cancelled"]


def test_log_is_followed_to_the_end_of_the_job(client: Client, job: Job, worker: Worker):
    worker.claim()
    worker.say("one", "two")
    assert [line.text for line in client.jobs.logs(job.id, tail=1)] == ["two"]
    seen: list[str] = []
    for line in client.jobs.logs(job.id, follow=True):
        seen.append(line.text)
        if line.text == "two":
            worker.say("three")
            worker.end("failed")
    assert seen == ["one", "two", "three"]
