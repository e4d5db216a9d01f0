"""`make docs`: what fails the build, what the pages that are written from the code hold, and that no host is asked."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path

import pytest

from core.settings import Settings
from reference import commands, configuration, operations, repository
from tests.reference.site import ROOT, build


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The folder of a config of its own, whose pages a test may spoil."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    text = (ROOT / "mkdocs.yml").read_text()
    (tmp_path / "mkdocs.yml").write_text(text.replace("hooks: [reference/", f"hooks: [{ROOT}/reference/"))
    return tmp_path


def test_page_that_is_in_no_menu_fails_the_build(copy: Path):
    (copy / "docs" / "lost.md").write_text("# Lost\n")
    done = build(copy / "site", config=copy / "mkdocs.yml")
    assert done.returncode == 1
    assert "lost.md" in done.stdout + done.stderr


@pytest.mark.parametrize("link", ["nowhere.md", "datasets.md#nowhere", "../nowhere/"])
def test_link_that_leads_nowhere_fails_the_build(copy: Path, link: str):
    with (copy / "docs" / "training.md").open("a") as page:
        page.write(f"\n[broken]({link})\n")
    done = build(copy / "site", config=copy / "mkdocs.yml")
    assert done.returncode == 1
    assert link.partition("#")[0] in done.stdout + done.stderr


def test_pages_load_nothing_from_another_host(site: Path):
    loading = re.compile(r"<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)=\"?((?:https?:)?//[^\"\s>]+)")
    pages = list(site.rglob("*.html"))
    assert len(pages) > 60
    found = {url for path in pages for url in loading.findall(path.read_text()) if not url.endswith(".mermaid")}
    assert found == set()
    assert not any("mermaid" in path.read_text() and 'class="mermaid"' in path.read_text() for path in pages)


def test_front_page_is_the_readme_with_links_of_the_site(site: Path):
    text = unescape((site / "index.html").read_text())
    assert 'href="datasets.html"' in text
    assert 'href="docs/' not in text
    assert "CITATION.cff" in text


def test_every_variable_of_the_environment_is_on_the_page_of_the_configuration():
    text = configuration.page()
    for name, field in Settings.model_fields.items():
        assert f"`PATCHSWAP_{name.upper()}`" in text
        assert field.description, f"{name} says nothing of itself"


def test_every_command_and_option_is_on_the_page_of_the_commands():
    text = commands.page()
    for expected in ("## patchswap train", "### patchswap datasets push", "`--set PATH=VALUE", "`--classes-at"):
        assert expected in text


def test_every_request_is_on_the_page_of_its_resource():
    pages = operations.pages()
    assert {"jobs", "datasets", "models", "weights"} <= set(pages)
    assert "## POST /v1/jobs\n" in pages["jobs"]
    assert sum(page.count("\n## ") for page in pages.values()) > 80


@pytest.mark.parametrize(
    ("place", "link", "expected"),
    [
        ("README.md", "[a](docs/edge.md#formats)", "[a](edge.md#formats)"),
        ("README.md", "![a](docs/pictures/a.png)", "![a](pictures/a.png)"),
        ("README.md", "[LICENSE](LICENSE)", "LICENSE"),
        ("docs/edge.md", "[a](../examples/README.md)", "[a](examples.md)"),
        ("docs/decisions/0001-x.md", "[a](../../CHANGELOG.md)", "[a](../changelog.md)"),
        ("docs/decisions/0001-x.md", "[a](../edge.md)", "[a](../edge.md)"),
        ("docs/decisions/0001-x.md", "[a](0002-y.md)", "[a](../decisions/0002-y.md)"),
        ("docs/results.md", "[results/](results/)", "results/"),
        ("docs/edge.md", "[a](https://example.com/b)", "[a](https://example.com/b)"),
        ("docs/edge.md", "`x`\n```\n[a](../LICENSE)\n```", "`x`\n```\n[a](../LICENSE)\n```"),
    ],
)
def test_links_lead_to_pages_of_the_site(place: str, link: str, expected: str):
    assert repository.on_the_site(link, place) == expected
