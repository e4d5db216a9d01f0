"""How an archive is to be read, from what was typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchswap.cli import reading
from patchswap.errors import BadInput

NOTHING: dict[str, Any] = {
    "classes_at": None,
    "ignore": (),
    "labels_from": None,
    "maps": (),
    "drop": (),
    "labelmap": None,
}


def test_only_what_was_typed_is_asked() -> None:
    assert reading.options(**NOTHING) == {}
    assert reading.options(**NOTHING | {"classes_at": "2"}, masks=None) == {"classes_at": 2}
    assert reading.options(**NOTHING | {"classes_at": "a/*"}, unlabelled="skip") == {
        "classes_at": "a/*",
        "unlabelled": "skip",
    }


def test_a_depth_of_0_is_passed_on_to_be_refused() -> None:
    assert reading.options(**NOTHING | {"classes_at": "0"}) == {"classes_at": 0}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["255=1"], {"255": "1"}),
        (["cat,kitten=cat"], {"kitten": "cat"}),
        (["a = b", "c=b"], {"a": "b", "c": "b"}),
        (["x=y=z"], {"x=y": "z"}),
    ],
)
def test_maps(given: list[str], meant: dict[str, str]) -> None:
    assert reading.mapping(given) == meant


@pytest.mark.parametrize("given", [["cat"], ["=cat"], ["cat="], ["a=b", "a=c"]])
def test_maps_that_say_nothing_are_refused(given: list[str]) -> None:
    with pytest.raises(BadInput, match="--map"):
        reading.mapping(given)


@pytest.mark.parametrize(
    "text",
    [
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncrack:255,0,0::\n",
        "background,0,0,0\ncrack,255,0,0\n",
        '[{"name": "background", "colour": [0, 0, 0]}, {"name": "crack", "colour": [255, 0, 0]}]',
    ],
)
def test_labelmaps_of_colours(text: str, tmp_path: Path) -> None:
    (tmp_path / "map.txt").write_text(text)
    found = reading.entries(tmp_path / "map.txt")
    assert found == [{"name": "background", "colour": [0, 0, 0]}, {"name": "crack", "colour": [255, 0, 0]}]


@pytest.mark.parametrize(
    "text",
    [
        "0 background\n255 crack\n",
        "0: background\n255: crack",
        '{"0": "background", "255": "crack"}',
        '{"background": 0, "crack": 255}',
    ],
)
def test_labelmaps_of_values(text: str, tmp_path: Path) -> None:
    (tmp_path / "map.txt").write_text(text)
    found = reading.entries(tmp_path / "map.txt")
    assert found == [{"name": "background", "value": 0}, {"name": "crack", "value": 255}]


@pytest.mark.parametrize("text", ["crack", "[]", "{nonsense", "crack red", "", "# nothing\n"])
def test_labelmaps_without_colours_or_values_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "map.txt").write_text(text)
    with pytest.raises(BadInput):
        reading.entries(tmp_path / "map.txt")
