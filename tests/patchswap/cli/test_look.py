"""`datasets look`: one page that opens anywhere, of a real dataset behind a real api."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from core.accounts import keys
from core.database.database import transaction
from core.datasets import ledger as datasets
from core.datasets import uploads
from core.store import storage
from tests.data import layouts, scenes
from tests.ingest.archives import zipped
from tests.ingest.inspection.test_inspection import png, resaved, split_set
from tests.ingest.packs import run_ingest
from tests.patchswap.cli.conftest import Run, complaint, one_json

HOSTILE = "<script>alert(1)</script>"


def published(name: str, archive: bytes, folder: Path, task: str = "classification") -> str:
    """A dataset as the worker leaves it, ready or refused; gives its id."""
    folder.mkdir(exist_ok=True)
    result = run_ingest(archive, folder, task=task)
    report = result.report.model_dump(mode="json")
    with transaction() as session:
        tenant = keys.ensure_tenant(session, "default")
        upload = uploads.create(
            session, tenant.id, size=1, sha256=hashlib.sha256(archive).hexdigest(), media_type="application/zip"
        )
        upload.status = "complete"
        session.flush()
        dataset, version, _ = datasets.push(session, tenant.id, name=name, upload_id=upload.id, task=task, splits=None)
        version.status, version.fence = "running", 1
        session.flush()
        if result.manifest is None:
            error = {"code": "dataset_invalid", "category": "user_data", "message": "m", "retryable": False}
            datasets.fail_version(session, version.id, 1, error=error, report=report)
            return dataset.id
        prefix = f"datasets/{version.id}/1/"
        for file in (folder / "out").iterdir():
            storage.put_file(prefix + file.name, file)
        datasets.publish_version(
            session, version.id, 1, manifest=result.manifest, report=report, prefix=prefix, pack_sha256="0" * 64
        )
        return dataset.id


class Checked(HTMLParser):
    """What a page asks for, and whether it can be used without eyes and mouse."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.images = 0
        self.headings: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attributes)
        self.asked += [v or "" for k, v in attributes if k in {"src", "href", "action", "srcset", "poster"}]
        if tag == "img":
            self.images += 1
            assert "alt" in given
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(tag)


def checked(page: str) -> Checked:
    found = Checked()
    found.feed(page)
    assert all(url.startswith(("data:image/", "#")) for url in found.asked)
    assert "script" not in found.tags
    assert not re.search(r"url\(|@import|https?://", page)
    assert found.headings[0] == "h1"
    assert "main" in found.tags
    assert "nav" in found.tags
    return found


def test_page_shows_pictures_twins_and_findings_offline(patchswap: Run, database: str, tmp_path: Path):
    files = {path.replace("/a/", f"/{HOSTILE[:8]}/"): content for path, content in split_set().items()}
    files |= {"test/b/copy.jpg": resaved(1003), "train/b/other.jpg": resaved(5), "train/b/broken.png": png(3)[:200]}
    published("mine", zipped(files), tmp_path)
    done = one_json(patchswap("datasets", "look", "mine", "-o", "page.html", "--json"))
    page = (tmp_path / "page.html").read_text()
    assert (done["file"], done["bytes"]) == ("page.html", len(page.encode()))
    assert done["bytes"] < 2_000_000
    assert checked(page).images >= 24
    assert "&lt;script&gt;" in page
    assert "With different classes: 1" in page
    assert "train/b/broken.png" in page
    assert re.search(r"<td>1[0-9]</td>", page), "the table of classes has counts"


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_boxes_and_masks_are_drawn(patchswap: Run, database: str, tmp_path: Path, task: str):
    drawn = scenes.draw(20, seed=7, size=(120, 160))
    published("scenes", zipped(layouts.coco(drawn)), tmp_path, task)
    done = patchswap("datasets", "look", "scenes")
    assert (done.returncode, done.stdout.strip()) == (0, "scenes.html"), done.stderr
    page = (tmp_path / "scenes.html").read_text()
    checked(page)
    marks = re.findall(r'<rect x="([\d.]+)"', page) if task == "detection" else re.findall('<img class="over"', page)
    assert len(marks) >= 20


def test_page_of_a_refused_dataset_says_why(patchswap: Run, database: str, tmp_path: Path):
    published("bad", zipped({"a/1.png": png(1)}), tmp_path)
    assert patchswap("datasets", "look", "bad").returncode == 0
    page = (tmp_path / "bad.html").read_text()
    checked(page)
    assert "there is only one class" in page.lower()


def test_unknown_name_is_said(patchswap: Run, database: str):
    assert "There is no dataset 'nothing'" in complaint(patchswap("datasets", "look", "nothing"))
