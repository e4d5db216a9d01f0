"""Downloads and bundles over a real api and a network that breaks; a worker's publication is made by the ledger."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from contract.results.exported import ExportResult
from core.database.database import transaction
from core.jobs import ledger
from core.jobs.ledger import FinishedExport, Publication
from core.store import storage
from core.store.storage import StoredFile
from patchswap.cli import main
from patchswap.client import Client
from patchswap.errors import BadInput, DamagedFile, ServiceUnreachable
from patchswap.resources import Export, Job, Model
from tests.patchswap.conftest import Worker
from tests.servers.proxy import BreakingProxy, Fault

pytestmark = pytest.mark.usefixtures("quick_retries")
EVALUATION: dict[str, Any] = {
    "main": {
        "method": "patch_swap",
        "parameters": 10,
        "macs": 20,
        "images_seen": 100,
        "train_seconds": 1.0,
        "evaluation_split": "test",
        "splits": {"test": {"samples": 10, "top1_accuracy": 0.9, "nll": 0.3, "ece": 0.02}},
    }
}
REPORT = b"<!doctype html>" + b"x" * 300_000


def bundle(padding: int) -> bytes:
    """A zip that unpacks to a manifest and some weights."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", "{}")
        archive.writestr("golden/input.npy", os.urandom(padding))
    return buffer.getvalue()


def finished(precision: str, content: bytes, status: str) -> FinishedExport:
    stored = storage.put_bytes(f"tests/{os.urandom(4).hex()}/bundle.zip", content)
    result = ExportResult.model_validate(
        {
            "format": "onnx",
            "precision": precision,
            "status": status,
            "constraints": {},
            "violations": [] if status == "succeeded" else ["accuracy falls by 3.0 points; at most 1.0 were allowed"],
            "bytes": stored.bytes,
            "sha256": stored.sha256,
            "measured": {"top1_accuracy": 0.89, "model_bytes": 1234, "latency_ms_p50": 0.5, "drop_points": 1.0},
        }
    )
    return FinishedExport(result, stored)


@pytest.fixture
def content() -> bytes:
    return bundle(3_000_000)


@pytest.fixture
def job(client: Client, dataset_id: str) -> Job:
    return client.jobs.create(dataset=dataset_id, name="pets", exports=[])


@pytest.fixture
def model(job: Job, content: bytes) -> Model:
    """One good fp32 file, and an int8 file that broke its limit."""
    return publish(job, [finished("fp32", content, "succeeded"), finished("int8", bundle(10), "gate_failed")])


def publish(job: Job, exports: list[FinishedExport]) -> Model:
    worker = Worker(job.id)
    worker.claim()
    weights = StoredFile(key="tests/weights", bytes=1, sha256="0" * 64)
    report = storage.put_bytes(f"tests/{os.urandom(4).hex()}/report.html", REPORT)
    publication = Publication(weights=weights, evaluation=EVALUATION, exports=exports, card="# pets\n", report=report)
    with transaction() as session:
        model_id = ledger.publish(session, worker.mine, publication)
    return job.client.models.get(model_id)


@pytest.fixture
def export(model: Model) -> Export:
    return next(export for export in model.exports() if export.precision == "fp32")


def test_a_bundle_is_downloaded(export: Export, content: bytes, tmp_path: Path):
    assert export.download(tmp_path / "new" / "b.zip").read_bytes() == content
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["b.zip"]


def test_the_report_is_loaded_by_model_and_by_job(client: Client, job: Job, model: Model, tmp_path: Path):
    assert client.models.report(job.id, tmp_path / "a.html").read_bytes() == REPORT
    assert model.save_report(tmp_path / "b.html").read_bytes() == REPORT


def test_the_command_writes_the_report_where_it_is_told(
    proxy: BreakingProxy, api_key: str, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setenv("PATCHSWAP_URL", proxy.url)
    monkeypatch.setenv("PATCHSWAP_API_KEY", api_key)
    with pytest.raises(SystemExit) as ended:
        main(["report", model.job_id, "-o", str(tmp_path / "pets.html"), "--json"])
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out) == {"file": str(tmp_path / "pets.html")}
    assert (tmp_path / "pets.html").read_bytes() == REPORT


def test_a_report_that_breaks_off_is_loaded_again(client: Client, model: Model, tmp_path: Path, proxy: BreakingProxy):
    proxy.faults.append(Fault("GET", "/report$", "cut_answer", after_bytes=100_000))
    assert client.models.report(model.id, tmp_path / "a.html").read_bytes() == REPORT
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def test_a_broken_download_goes_on_where_it_stopped(
    export: Export, content: bytes, tmp_path: Path, proxy: BreakingProxy
):
    proxy.faults.append(Fault("GET", "/download$", "cut_answer", after_bytes=1_200_000, times=2))
    assert export.download(tmp_path / "b.zip").read_bytes() == content
    ranges = [one.headers.get("range") for one in proxy.requests("GET", "/download$")]
    assert ranges[0] is None
    assert len(ranges) == 3
    assert int(ranges[1].removeprefix("bytes=").rstrip("-")) > 1_100_000


def test_another_process_goes_on_with_a_part(
    client: Client, export: Export, content: bytes, tmp_path: Path, proxy: BreakingProxy
):
    proxy.faults.append(Fault("GET", "/download$", "cut_answer", after_bytes=1_200_000))
    proxy.faults.append(Fault("GET", "/download$", "refuse", times=6))
    with pytest.raises(ServiceUnreachable, match="continues where it stopped"):
        client.exports.download(export.id, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()
    proxy.seen.clear()
    assert client.exports.download(export.id, tmp_path / "b.zip").read_bytes() == content
    assert "range" in proxy.requests("GET", "/download$")[0].headers


def test_other_bytes_than_announced_are_thrown_away(export: Export, tmp_path: Path, objects_folder: Path):
    bundles = [p for p in objects_folder.rglob("bundle.zip") if p.stat().st_size == export.bytes]
    path = max(bundles, key=lambda p: p.stat().st_mtime_ns)
    altered = bytearray(path.read_bytes())
    altered[1_000_000] ^= 1
    path.write_bytes(altered)
    with pytest.raises(DamagedFile, match="another sha256"):
        export.download(tmp_path / "b.zip")
    assert list(tmp_path.glob("*.zip")) == []
    assert list(tmp_path.glob(".*.part")) == []


@pytest.mark.parametrize("by", ["model", "job"])
def test_a_bundle_is_pulled_by_model_or_job(client: Client, model: Model, tmp_path: Path, by: str):
    folder = client.models.pull(model.id if by == "model" else model.job_id, tmp_path / "pets")
    assert [path.name for path in tmp_path.iterdir() if path.name != "objects"] == ["pets"]
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == [
        "golden/input.npy",
        "manifest.json",
    ]


def test_a_file_that_broke_its_limit_is_not_pulled_and_the_reason_is_told(client: Client, model: Model, tmp_path: Path):
    with pytest.raises(BadInput, match=r"no onnx int8 export .*gate_failed.*patchswap exports create"):
        client.models.pull(model.id, tmp_path / "pets", precision="int8")
    int8 = next(export for export in model.exports() if export.precision == "int8")
    with pytest.raises(BadInput, match=r"gate_failed: accuracy falls by 3\.0 points"):
        int8.download(tmp_path / "b.zip")


def test_a_file_of_another_format_is_never_pulled_in_its_place(client: Client, model: Model, tmp_path: Path):
    with pytest.raises(BadInput, match=r"no openvino fp32 export .*--format openvino --precision fp32"):
        client.models.pull(model.id, tmp_path / "pets", format="openvino")


def test_the_only_precision_there_is_is_pulled_unless_another_is_named(client: Client, job: Job, tmp_path: Path):
    model = publish(job, [finished("int8", bundle(10), "succeeded")])
    assert client.models.newest_export(model.id).precision == "int8"
    assert (client.models.pull(job.id, tmp_path / "pets") / "manifest.json").is_file()
    with pytest.raises(BadInput, match="no onnx fp32 export"):
        client.models.pull(model.id, tmp_path / "others", precision="fp32")


def test_what_can_be_pulled_instead_is_named(client: Client, model: Model, tmp_path: Path):
    with pytest.raises(BadInput, match=r"Pull another with `--format onnx --precision fp32`\. Ask for one with"):
        client.models.pull(model.id, tmp_path / "pets", precision="int8")


def test_formats_are_told_with_the_line_that_installs_them(client: Client):
    found = {one.name: one for one in client.exports.formats()}
    assert found["onnx"].status == "available"
    assert "onnxruntime" in found["onnx"].versions
    assert found["litert"].install == "pip install 'patchswap[litert]'"


def test_a_job_without_a_model_says_where_it_is(client: Client, job: Job, tmp_path: Path):
    with pytest.raises(BadInput, match=f"is queued and has no model; follow it with `patchswap watch {job.id}`"):
        client.models.pull(job.id, tmp_path / "pets")


def test_nothing_is_loaded_for_a_folder_that_is_taken(
    client: Client, model: Model, tmp_path: Path, proxy: BreakingProxy
):
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "photo.png").touch()
    with pytest.raises(BadInput, match="not empty"):
        client.models.pull(model.id, tmp_path / "pets")
    assert proxy.requests("GET", "/download$") == []


def test_another_export_is_asked_for(client: Client, model: Model):
    export = client.models.export(model.id, precision="int8", constraints={"max_drop_points": 2.0, "max_bytes": None})
    assert (export.status, export.precision) == ("queued", "int8")
    other = client.models.export(model.id, format="openvino", precision="fp16")
    assert (other.format, other.precision) == ("openvino", "fp16")
    assert export.model_dump()["constraints"]["max_drop_points"] == 2.0


def test_a_model_has_a_card_and_a_job_its_model(client: Client, model: Model):
    assert client.models.card(model.id) == "# pets\n"
    assert [one.id for one in client.models.list()] == [model.id]
    assert model.top1_accuracy == 0.9
    job = client.jobs.wait(model.job_id)
    assert (job.status, job.model_id) == ("succeeded", model.id)
