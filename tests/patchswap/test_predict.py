"""Predictions by the client and the command line, over a real api process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core import tables
from core.database.database import transaction
from patchswap.cli import main
from patchswap.client import Client
from patchswap.errors import ApiError
from patchswap.resources import Model
from tests.api import served
from tests.patchswap.calls.test_exports import content, job, model  # noqa: F401 - fixtures
from tests.portable.test_infer import as_file, picture


@pytest.fixture
def answering(model: Model, tmp_path: Path) -> served.Served:  # noqa: F811 - a fixture
    with transaction() as session:
        row = session.get_one(tables.Model, model.id)
    return served.export(row, tmp_path / "made")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "image.png").write_bytes(as_file(picture("RGB", (30, 20)), "PNG"))
    return tmp_path / "image.png"


def test_image_is_answered_by_model_and_by_job(client: Client, answering: served.Served, image: Path):
    by_model = client.models.predict(answering.model.id, image, top=2)
    by_job = client.models.predict(answering.model.job_id, image.read_bytes(), export=answering.export.id)
    assert by_model.export_id == by_job.export_id == answering.export.id
    assert by_model.top[0] == {"label": by_model.label, "probability": by_model.probability}
    assert (len(by_model.top), len(by_job.top)) == (2, 5)


def test_command_prints_a_line_an_image_and_stops_at_what_is_none(
    proxy, api_key: str, answering: served.Served, image: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setenv("PATCHSWAP_URL", proxy.url)
    monkeypatch.setenv("PATCHSWAP_API_KEY", api_key)
    with pytest.raises(SystemExit) as ended:
        main(["predict", answering.model.id, str(image), str(image), "--json"])
    assert not ended.value.code
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["image"] for line in lines] == [str(image)] * 2
    image.write_bytes(b"no image")
    with pytest.raises(SystemExit) as ended:
        main(["predict", answering.model.id, str(image)])
    assert ended.value.code == 1
    assert f"{image}: The content is not JPEG" in capsys.readouterr().err


def test_model_without_a_file_that_can_answer_says_so(client: Client, model: Model, image: Path):  # noqa: F811
    with transaction() as session:
        session.query(tables.Export).filter_by(model_id=model.id).delete()
    with pytest.raises(ApiError, match="no ONNX file that succeeded"):
        client.models.predict(model.id, image)
