"""What MkDocs calls: pages that are written from the code or stand outside docs/, and links between them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from reference import client, commands, configuration, operations, picture, repository, writing

DECISIONS = Path(__file__).parents[1] / "docs" / "decisions"
API = "reference/api/"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Gives each name of the navigation that ends with /* the pages of its folder."""
    config.nav = _expanded(config.nav, {"reference/api/*": _api_pages(), "decisions/*": _decision_pages()})
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    for path, text in _written().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_post_build(*, config: MkDocsConfig) -> None:
    """Debuggers of the theme want source maps; a wheel does not."""
    for path in Path(config.site_dir).rglob("*.map"):
        path.unlink()


def on_page_markdown(text: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - MkDocs calls it
    """Links of a hand-written page, as they are on the site."""
    if page.file.src_uri.startswith(("decisions/", "reference/", "changelog")):
        page.meta["search"] = {"boost": 0.3}  # who searches wants a guide first
    return picture.as_table(repository.on_the_site(text, f"docs/{page.file.src_uri}"))


def _written() -> dict[str, str]:
    found = {
        "reference/commands.md": commands.page(),
        "reference/client.md": client.page(),
        "reference/configuration.md": configuration.page(),
        "decisions/index.md": _decisions(),
    }
    found |= {f"{API}{tag}.md": text for tag, text in operations.pages().items()}
    for source, path in repository.PAGES.items():
        found[path] = repository.on_the_site((repository.ROOT / source).read_text(), source)
    return found


def _api_pages() -> list[str]:
    return [f"{API}{tag}.md" for tag in operations.pages()]


def _decision_pages() -> list[str]:
    return ["decisions/index.md", *(f"decisions/{path.name}" for path in sorted(DECISIONS.glob("0*.md")))]


def _decisions() -> str:
    lines = []
    for path in sorted(DECISIONS.glob("0*.md")):
        title = re.sub(r"^#\s*", "", path.read_text().splitlines()[0])
        lines.append(f"- [{title}]({path.name})")
    told = "What was decided, why, and what was left. Decisions 1 to 24 name paths of their day."
    return writing.page("# Decisions", told, "\n".join(lines))


def _expanded(nav: Any, pages: dict[str, list[str]]) -> Any:
    if isinstance(nav, list):
        return [_expanded(one, pages) for one in nav]
    if isinstance(nav, dict):
        return {name: _expanded(one, pages) for name, one in nav.items()}
    return pages.get(nav, nav)
