"""A worker tells its figures on an address of its own, those of its task process among them."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from core import queue
from tests.servers.processes import spare_port
from tests.worker import seed
from tests.worker.processes import wait_for, wait_for_end


def figures(port: int) -> dict[tuple[str, ...], float]:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def test_worker_counts_claims_attempts_renewals_and_checkpoints(version, start_worker, monkeypatch: pytest.MonkeyPatch):
    port = spare_port()
    monkeypatch.setenv("PATCHSWAP_METRICS_ADDRESS", f"127.0.0.1:{port}")
    start_worker()
    good = seed.job(version, labels={"fake/checkpoint_steps": "5", "fake/step_seconds": "0.05"})
    poison = seed.job(version, labels={"fake/mode": "segfault"})
    for job_id in (good.id, good.id, poison.id):
        queue.ring("worker.train", job_id)
    assert wait_for_end(good.id).status == "succeeded"
    assert wait_for_end(poison.id).error["code"] == "poison"
    wait_for(lambda: figures(port).get(("patchswap_attempts_ended_total", "job", "crashed")) == 3)
    found = figures(port)
    assert found["patchswap_attempts_ended_total", "job", "succeeded"] == 1
    assert found["patchswap_claims_total", "job", "claimed"] == 4
    assert found["patchswap_claims_total", "job", "nothing"] >= 1
    assert found["patchswap_lease_renewals_total",] >= 4
    assert found["patchswap_checkpoint_seconds_count",] >= 2
