"""`client.comparisons` over a real api."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from patchswap import errors
from patchswap.calls.comparisons import Comparison
from patchswap.client import Client
from tests.api import made
from tests.servers.proxy import BreakingProxy, Fault

BASE = {"training": {"epochs": 2, "pairs_per_batch": 4}}


@pytest.fixture
def comparison(client: Client, dataset_id: str) -> Comparison:
    return client.comparisons.create(dataset=dataset_id, methods=["patch_swap"], seeds=2, spec=BASE)


def finish(comparison: Comparison) -> None:
    for number, job in enumerate(comparison.jobs):
        made.succeed(job.id, 0.5 + 0.1 * number)


def test_a_comparison_is_created_followed_and_read(client: Client, comparison: Comparison, tmp_path: Path):
    assert [(job.method, job.seed) for job in comparison.jobs] == [
        ("cross_entropy", 0),
        ("patch_swap", 0),
        ("cross_entropy", 1),
        ("patch_swap", 1),
    ]
    assert [job.id for job in client.jobs.list(comparison=comparison.id)][::-1] == [job.id for job in comparison.jobs]
    assert client.jobs.get(comparison.jobs[0].id).comparison_id == comparison.id
    threading.Timer(0.5, finish, [comparison]).start()
    done = comparison.wait(timeout_seconds=60)
    assert (done.status, done.counts, done.is_over) == ("succeeded", {"succeeded": 4}, True)
    assert client.comparisons.table(comparison.id) == done.table
    control, ours = done.table.rows
    assert control.is_control
    assert ours.difference.mean == pytest.approx(0.1)
    for name, start in (("t.csv", b"method,is_control"), ("t.md", b"| method |"), ("t.png", b"\x89PNG")):
        assert client.comparisons.save_table(comparison.id, tmp_path / name).read_bytes().startswith(start)
    with pytest.raises(errors.BadInput, match="ends with"):
        client.comparisons.save_table(comparison.id, tmp_path / "t.pdf")


def test_watching_gives_each_change_and_survives_a_broken_network(
    client: Client, comparison: Comparison, proxy: BreakingProxy, quick_retries: None
):
    seen = []
    for found in comparison.watch():
        seen.append(found.counts)
        if len(seen) == 1:
            proxy.faults.append(Fault("GET", f"comparisons/{comparison.id}", "refuse", times=7))
            made.succeed(comparison.jobs[0].id, 0.5)
        elif len(seen) == 2:
            comparison.cancel()
    assert seen == [{"queued": 4}, {"queued": 3, "succeeded": 1}, {"cancelled": 3, "succeeded": 1}]


def test_comparisons_are_listed_cancelled_and_deleted(client: Client, comparison: Comparison, dataset_id: str):
    other = client.comparisons.create({"dataset": dataset_id, "methods": ["patch_swap_only"]}, seeds=1, name="other")
    assert [(one.id, one.name) for one in client.comparisons.list()] == [(other.id, "other"), (comparison.id, None)]
    with pytest.raises(errors.Conflict):
        comparison.delete()
    assert comparison.cancel().status == "cancelled"
    comparison.delete()
    assert client.jobs.get(comparison.jobs[0].id).comparison_id is None
    other.cancel().delete(with_jobs=True)
    with pytest.raises(errors.NotFound):
        client.jobs.get(other.jobs[0].id)
    assert list(client.comparisons.list()) == []


def test_faults_point_into_the_body(client: Client, dataset_id: str, count_jobs):
    with pytest.raises(errors.Invalid) as raised:
        client.comparisons.create(dataset=dataset_id, methods=["patch_swap", "none"], seeds=0)
    assert [fault.pointer for fault in raised.value.errors] == ["/seeds"]
    with pytest.raises(errors.Invalid) as raised:
        client.comparisons.create(dataset=dataset_id, methods=["patch_swap", "none"])
    assert [fault.pointer for fault in raised.value.errors] == ["/methods/1"]
    assert count_jobs() == 0
