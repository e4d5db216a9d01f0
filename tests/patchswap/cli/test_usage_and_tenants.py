"""usage, webhooks with thresholds, and tenants: over a real api, and on its ledger."""

from __future__ import annotations

import csv
import io
import os

from patchswap.client import Client
from tests.patchswap.cli.conftest import Run, complaint, one_json
from tests.patchswap.conftest import Worker


def test_usage_is_printed_for_people_programs_and_spreadsheets(patchswap: Run, client: Client, dataset_id: str):
    job = client.jobs.create(dataset=dataset_id, labels={"project": "line-3"})
    worker = Worker(job.id)
    worker.claim()
    worker.end("failed")
    told = one_json(patchswap("usage", "--group", "project", "--json"))
    assert [(row["project"], row["attempts"]) for row in told["data"]] == [("line-3", 1)]
    assert told["from"] < told["to"]
    (row,) = csv.DictReader(io.StringIO(patchswap("usage", "--group", "day,project", "--csv").stdout))
    assert (row["project"], row["jobs"]) == ("line-3", "1")
    assert patchswap("usage").stdout.split("\n")[0].split()[:3] == ["DAY", "JOBS", "ATTEMPTS"]
    refused = patchswap("usage", "--group", "month")
    assert (refused.returncode, "day, project, device" in complaint(refused)) == (1, True)
    assert one_json(patchswap("jobs", "usage", job.id, "--json"))["wall_seconds"] > 0


def test_thresholds_of_a_webhook_are_given_as_they_are_read(patchswap: Run):
    made = one_json(
        patchswap("webhooks", "create", "https://example.com/", "--threshold", "val.top1_accuracy > 0.9", "--json")
    )
    assert (made["events"], made["format"]) == ([], "standard")
    assert "val.top1_accuracy>0.9" in patchswap("webhooks", "show", made["id"]).stdout
    wrong = patchswap("webhooks", "create", "https://example.com/", "--threshold", "accuracy=1")
    assert (wrong.returncode, "val.top1_accuracy>0.9" in complaint(wrong)) == (2, True)
    slack = one_json(patchswap("webhooks", "create", "https://example.com/", "--format", "slack", "--json"))
    assert (slack["events"], slack["format"]) == (["*"], "slack")


def test_tenants_are_managed_on_the_ledger_that_the_environment_names(patchswap: Run, client: Client):
    ledger = {name: value for name, value in os.environ.items() if name.startswith("PATCHSWAP_")}
    assert client.me()["tenant_name"] == "default"
    made = one_json(patchswap("tenants", "create", "line-3", "--json", **ledger))
    assert made["api_key"].startswith("psk_")
    suspended = patchswap("tenants", "suspend", "default", "--reason", "Moved.", **ledger)
    assert suspended.returncode == 0, suspended.stderr
    refused = patchswap("jobs", "list")
    assert (refused.returncode, "suspended: Moved." in complaint(refused)) == (1, True)
    assert patchswap("tenants", "resume", "default", **ledger).returncode == 0
    assert patchswap("jobs", "list").returncode == 0
    assert "There is no tenant nobody" in patchswap("tenants", "suspend", "nobody", "--reason", "r", **ledger).stderr
