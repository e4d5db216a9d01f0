"""Every route of the service has a verb on the command line, or a reason why it has none."""

from __future__ import annotations

import json

import typer.main

from patchswap.cli.app import app
from tests.patchswap.cli.conftest import ROOT

VERBS = {
    "aliases history": ["list_alias_changes"],
    "aliases list": ["list_aliases"],
    "aliases rm": ["delete_alias"],
    "aliases set": ["set_alias"],
    "aliases show": ["get_alias"],
    "audit": ["list_audit_log"],
    "cancel": ["cancel_job"],
    "compare": ["create_comparison"],
    "compare cancel": ["cancel_comparison"],
    "compare list": ["list_comparisons"],
    "compare rm": ["delete_comparison"],
    "compare show": ["get_comparison", "get_comparison_table"],
    "datasets diff": ["get_dataset_changes", "get_dataset_version"],
    "datasets download": ["download_dataset_archive"],
    "datasets list": ["list_datasets"],
    "datasets look": [
        *("get_dataset_inspection", "list_dataset_samples", "get_dataset_sample_image"),
        *("get_dataset_sample_thumbnail", "get_dataset_sample_mask"),
    ],
    "datasets push": [
        *("create_upload", "get_upload", "put_upload_part", "complete_upload", "create_dataset"),
        "create_dataset_version",  # by the name
    ],
    "datasets rename": ["rename_dataset"],
    "datasets rm": ["delete_dataset", "delete_dataset_version"],
    "datasets show": ["get_dataset", "get_dataset_validation"],
    "datasets versions": ["list_dataset_versions"],
    "devices": ["list_devices"],
    "exports create": ["create_export"],
    "exports formats": ["list_export_formats"],
    "exports list": ["list_exports"],
    "exports pareto": ["get_model_pareto"],
    "exports show": ["get_export"],
    "jobs checkpoints": ["list_checkpoints"],
    "jobs clone": ["clone_job"],
    "jobs download": ["download_checkpoint"],
    "jobs evaluation": ["get_job_evaluation"],
    "jobs events": ["list_job_events"],
    "jobs list": ["list_jobs"],
    "jobs logs": ["list_job_logs"],
    "jobs metrics": ["get_job_metrics"],
    "jobs pin": ["pin_checkpoint"],
    "jobs receipt": ["get_job_receipt"],
    "jobs rm": ["delete_job"],
    "jobs show": ["get_job"],
    "jobs unpin": ["unpin_checkpoint"],
    "keys create": ["create_api_key"],
    "keys list": ["list_api_keys"],
    "keys revoke": ["revoke_api_key"],
    "keys show": ["get_api_key"],
    "login-link": ["create_login_link"],
    "me": ["get_me"],
    "models list": ["list_models"],
    "models predictions": ["list_model_predictions"],
    "models show": ["get_model", "get_model_card"],
    "models suspects": ["get_model_suspected_labels"],
    "pause": ["pause_job"],
    "predict": ["predict", "create_batch_prediction"],
    "predictions download": ["download_batch_prediction"],
    "predictions list": ["list_batch_predictions"],
    "predictions rm": ["delete_batch_prediction"],
    "predictions show": ["get_batch_prediction"],
    "profile": ["create_profile"],
    "profiles list": ["list_profiles"],
    "profiles show": ["get_profile"],
    "pull": ["download_export", "download_model_weights"],
    "recipes list": ["list_recipes"],
    "recipes schema": ["get_recipe_schema"],
    "recipes show": ["get_recipe"],
    "report": ["get_model_report"],
    "resume": ["resume_job"],
    "retry": ["retry_job"],
    "signing-key": ["get_signing_key"],
    "sweep cancel": ["cancel_sweep"],
    "sweep create": ["create_sweep"],
    "sweep list": ["list_sweeps"],
    "sweep rm": ["delete_sweep"],
    "sweep show": ["get_sweep"],
    "train": ["create_job", "validate_job", "estimate_job"],
    "usage": ["get_usage"],
    "workers": ["list_workers"],
    "watch": ["stream_job_events"],
    "webhooks create": ["create_webhook"],
    "webhooks deliveries": ["list_webhook_deliveries", "get_webhook_delivery"],
    "webhooks disable": ["change_webhook"],
    "webhooks list": ["list_webhooks"],
    "webhooks ping": ["ping_webhook"],
    "webhooks redeliver": ["redeliver_webhook_delivery"],
    "webhooks rm": ["delete_webhook"],
    "webhooks rotate-secret": ["rotate_webhook_secret"],
    "webhooks show": ["get_webhook"],
    "weights list": ["list_weights"],
    "weights push": ["create_weights"],
    "weights rm": ["delete_weights"],
    "weights show": ["get_weights"],
    "worker": [
        *("claim_profile", "renew_profile_claim", "download_claimed_bundle", "report_profile"),
        "release_profile_claim",
    ],
}
WITHOUT = {
    "download_alias": "a device's, by curl; `pull @NAME` asks the alias which export it is",
    "delete_upload": "an upload goes with the last dataset of it",
    "create_session": "a browser's",
    "stream_events": "a page's, of all jobs; `watch` follows one",
    "end_session": "a browser's",
    "get_export_file": "a browser's, which runs the file itself; `pull` unpacks all of them",
    "get_health": "a load balancer's",
    "get_readiness": "a load balancer's",
    "get_version": "`doctor` and the client read it",
    "get_service_metrics": "Prometheus'",
}


def commands(group: object, path: tuple[str, ...] = ()) -> set[str]:
    found = {" ".join(path)} if path else set()
    for name, command in getattr(group, "commands", {}).items():
        found |= commands(command, (*path, name))
    return found


def test_every_operation_has_a_verb_or_a_reason():
    document = json.loads((ROOT / "docs" / "openapi.json").read_bytes())
    operations = {one["operationId"] for methods in document["paths"].values() for one in methods.values()}
    served = [operation for named in VERBS.values() for operation in named]
    assert sorted([*served, *WITHOUT]) == sorted(operations)


def test_every_verb_exists():
    assert VERBS.keys() - commands(typer.main.get_command(app)) == set()
