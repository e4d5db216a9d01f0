"""The page: whole, without scripts or anything from elsewhere, whatever classes are called."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.results.evaluation import UnprunedFigures
from tests.trainer.report import made
from trainer.report import page

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "$\\frac{$ & '",
    "</style></svg><iframe src=//evil.example>",
    "{{ 7 * 7 }}{% raw %}",
    "-->]]><!--",
    "\u202eesrever",
    "\u732b",
]
VOID = {"meta", "img", "br", "link"}
LOADS = {"src", "srcset", "href", "xlink:href", "data", "action", "formaction", "poster", "background"}


class Reader(HTMLParser):
    """Collects what a page holds; fails on tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def check_self_contained(html: str) -> Reader:
    found = Reader(html)
    assert not {"script", "iframe", "object", "embed", "link", "base", "form", "audio", "video"} & set(found.tags)
    for tag, name, value in found.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in LOADS:
            assert value.startswith(("data:image/", "#")), (tag, name, value[:80])
    assert not re.search(r"@import|url\((?!#)|expression\(|javascript:", html.replace("&#", ""))
    return found


def plain(found: Reader) -> str:
    return " ".join(" ".join(found.text).split())


@pytest.mark.parametrize("control", [True, False])
def test_hostile_names_are_text_and_nothing_else(control: bool) -> None:
    superclasses = {name: HOSTILE[number // 2] for number, name in enumerate(HOSTILE)}
    html = page.render(made.facts(HOSTILE, control=control, superclasses=superclasses, name=HOSTILE[0]))
    found = check_self_contained(html)
    text = plain(found)
    for name in HOSTILE:
        assert " ".join(name.split()) in text
    assert "<script" not in html
    assert "{{" not in html.replace("{{ 7 * 7 }}", "")


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40),
        min_size=2,
        max_size=5,
        unique=True,
    )
)
def test_any_names_make_a_page(names: list[str]) -> None:
    check_self_contained(page.render(made.facts(names, control=False, robust=False, calibrated=False)))


def test_page_shows_what_was_measured() -> None:
    facts = made.facts(["cat", "dog", "fish"], superclasses={"cat": "pets", "dog": "pets", "fish": "wild"})
    html = page.render(facts)
    text = plain(check_self_contained(html))
    main = facts.published
    for shown in (
        f"{100 * main.top1_accuracy:.2f} %",
        f"{main.nll:.4f}",
        f"{main.brier:.4f}",
        f"{100 * main.ece_equal_mass:.2f} %",
        f"{1000 * main.aurc:.2f}",
        f"{main.superclass_errors.within} of {main.superclass_errors.errors} errors",
        "noise, baseline (cross_entropy)",
        "272,186",
        "baseline (cross_entropy)",
        "20 images, spread over the split; 85.0 % of them are right untouched.",
    ):
        assert shown in text, shown
    for figure in ("Reliability, bins of equal mass", "Gradient by layer", "Gradient by epoch", "Accuracy under PGD"):
        assert f'aria-label="{figure}"' in html


def test_what_pruning_took_is_shown_beside_what_was_trained() -> None:
    facts = made.facts(["a", "b"])
    assert "What pruning cost" not in page.render(facts)
    main = facts.evaluations["main"]
    main.unpruned = UnprunedFigures(
        parameters=2 * main.parameters, macs=4 * main.macs, top1_accuracy=0.9876, nll=facts.published.nll
    )
    text = plain(check_self_contained(page.render(facts)))
    lost = f"{100 * (facts.published.top1_accuracy - 0.9876):+.2f} points"
    for shown in ("10,131,968", "0.250 x", "0.500 x", "98.76 %", lost, "+0.0000"):
        assert shown in text, shown


def test_equal_facts_give_an_equal_page() -> None:
    assert page.render(made.facts(["a", "b"])) == page.render(made.facts(["a", "b"]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"control": False}, "No baseline was trained"),
        ({"calibrated": False}, "Set evaluation.calibration to true"),
        ({"robust": False}, "in evaluation.robustness to measure it"),
        ({"right": 1.0}, "Every image was predicted correctly"),
        ({"right": 0.7}, "No winner"),
    ],
)
def test_what_is_not_there_is_said(changes: dict, said: str) -> None:
    assert said in plain(check_self_contained(page.render(made.facts(["a", "b", "c"], **changes))))


def test_unequal_budgets_are_called_unfair() -> None:
    facts = made.facts(["a", "b"])
    facts.evaluations["main"].against_control.equal_images_seen = False
    assert "the comparison is not fair" in plain(Reader(page.render(facts)))


@pytest.mark.parametrize(("classes", "table", "picture"), [(20, True, False), (21, False, True), (300, False, False)])
def test_many_classes_change_the_form_of_the_confusion(classes: int, table: bool, picture: bool) -> None:
    html = page.render(made.facts([f"class {n}" for n in range(classes)], robust=False))
    check_self_contained(html)
    assert ('class="matrix"' in html) == table
    assert ('class="heatmap"' in html) == picture
    assert html.count("<small>baseline") <= 2 * 40
    assert len(html) < 2_000_000
