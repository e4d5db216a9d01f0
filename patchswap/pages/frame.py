"""What all pages share: head, style, and text made safe."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --card: #f5f6f8; --ink: #1b1f24; --soft: #59636e; --faint: #d9dde2;
  --main: #0b62a8; --bad: #b3261e; --warn: #8a5300; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #14171a; --card: #1e2226; --ink: #e8eaed;
  --soft: #a3adb8; --faint: #363c43; --main: #6cb6f5; --bad: #f28b82; --warn: #f0b060; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.25rem 1rem 3rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--faint); }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
p { margin: .5rem 0; max-width: 46rem; }
a { color: var(--main); }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { position: static; }
nav ul { list-style: none; margin: .75rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.lead, .soft, figcaption { color: var(--soft); }
.scroll { overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: .2rem 0; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--faint); overflow-wrap: normal; }
th { font-weight: 600; }
th:first-child, td:first-child { text-align: left; max-width: 22rem; overflow-wrap: anywhere; }
thead th { color: var(--soft); }
tbody th { font-weight: 400; }
.bar { display: block; height: .6rem; min-width: 1px; background: var(--main); }
.track { display: block; width: 14rem; }
.findings { list-style: none; margin: 0; padding: 0; }
.findings li { margin: .6rem 0; padding: .6rem .9rem; background: var(--card); border-left: .3rem solid var(--soft); }
.findings .error { border-color: var(--bad); }
.findings .warning { border-color: var(--warn); }
.findings b { display: block; }
.error b { color: var(--bad); }
.warning b { color: var(--warn); }
summary { cursor: pointer; }
.grid { display: flex; flex-wrap: wrap; gap: .75rem; margin: .5rem 0; align-items: flex-start; }
.grid figure { width: 9rem; }
.grid.wide figure { width: 15rem; }
.pair { display: flex; gap: .5rem; background: var(--card); padding: .6rem; }
figure { margin: 0; }
figcaption { font-size: .78rem; line-height: 1.3; margin-top: .2rem; }
figcaption b { color: var(--ink); display: block; }
.pic { position: relative; display: block; width: 100%; }
.pic img { display: block; width: 100%; height: auto; background: var(--faint); }
.pic.tiny img { image-rendering: pixelated; }
.pic svg, .pic img.over { position: absolute; inset: 0; width: 100%; height: 100%; }
.pic img.over { opacity: .55; background: none; image-rendering: pixelated; }
.pic rect { fill: none; stroke-width: 2px; vector-effect: non-scaling-stroke; }
.none { display: grid; place-items: center; aspect-ratio: 4 / 3; background: var(--faint); color: var(--soft);
  font-size: .8rem; text-align: center; padding: .5rem; }
.swatch { display: inline-block; width: .8em; height: .8em; border: 1px solid var(--faint); margin-right: .4em; }
@media print { body { max-width: none; } .grid figure, .pair, tr { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def document(title: str, lead: str, sections: Iterable[tuple[str, str]]) -> str:
    """A whole page. `lead` and the sections' bodies are HTML, `title` and their headings are text."""
    shown = [(heading, body) for heading, body in sections if body]
    links = "".join(f'<li><a href="#{anchor(heading)}">{text(heading)}</a></li>' for heading, _ in shown)
    bodies = "\n".join(_section(heading, body) for heading, body in shown)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="referrer" content="no-referrer">
<title>{text(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><h1>{text(title)}</h1>
<div class="lead">{lead}</div>
<nav aria-label="Contents"><ul>{links}</ul></nav></header>
<main id="main">
{bodies}
</main>
</body>
</html>
"""


def _section(heading: str, body: str) -> str:
    name = anchor(heading)
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{text(heading)}</h2>\n{body}\n</section>'


def bar(share: float) -> str:
    """A bar of a share of its cell; the number it shows stands beside it."""
    return f'<span class="track" aria-hidden="true"><span class="bar" style="width:{100 * share:.1f}%"></span></span>'


def text(value: object) -> str:
    """Plain text for HTML, also within a quoted attribute; without control codes."""
    return escape("".join(c if c.isprintable() else "\ufffd" for c in str(value)), quote=True)


def anchor(heading: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in heading.lower())


def table(headings: list[str], rows: Iterable[list[str]], caption: str) -> str:
    """Cells are HTML; the first of each row is its heading. The frame can be scrolled by keyboard."""
    head = "".join(f'<th scope="col">{text(heading)}</th>' for heading in headings)
    body = "\n".join(
        f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        for first, *cells in rows
    )
    label = text(caption)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table><caption>{label}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
