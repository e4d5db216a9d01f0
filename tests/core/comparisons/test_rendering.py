"""The table for programs and for people, and as a picture."""

from __future__ import annotations

import csv
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO, StringIO

import numpy as np
import pytest
from PIL import Image

from core.comparisons import plot, rendering
from tests.core.comparisons.compared import table

FULL = ([0.80, 0.84, 0.82, 0.86], [0.93, 0.95, 0.96, 0.97], [0.61, 0.63, 0.62, 0.67])


def test_csv_has_all_digits_and_a_line_a_method():
    found = table(*FULL)
    lines = list(csv.DictReader(StringIO(rendering.as_csv(found))))
    assert [line["method"] for line in lines] == [row.method for row in found.rows]
    assert float(lines[1]["difference_mean"]) == found.rows[1].difference.mean
    assert float(lines[1]["p_value"]) == found.rows[1].difference.p_value
    assert (lines[0]["is_control"], lines[0]["difference_mean"], lines[0]["p_value"]) == ("true", "", "")
    assert float(lines[2]["top1_accuracy_low"]) == found.rows[2].top1_accuracy.low


def test_markdown_is_in_percent_with_the_notes_below():
    found = table(*FULL)
    head, rule, control, ours, *_ = rendering.as_markdown(found).splitlines()
    assert len({line.count(" | ") for line in (head, rule, control, ours)}) == 1
    assert control.startswith("| cross_entropy (control) | 4/4 | 83.00 |")
    assert f"| {100 * found.rows[1].difference.mean:+.2f} |" in ours
    assert f"- {found.notes[0]}" in rendering.as_markdown(found)


def test_markdown_says_nothing_where_nothing_is_known():
    *_, control, ours = rendering.as_markdown(table([0.8], [None])).split("\n\n")[0].splitlines()
    assert control.startswith("| cross_entropy (control) | 1/1 | 80.00 | - |")
    assert ours.startswith("| patch_swap | 0/1 | - | - | - | - | - | - |")


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0.04567, "0.0457"), (1e-9, "<0.0001"), (1.0, "1.0000")])
def test_small_p_values_are_never_zero(value: float | None, text: str):
    assert rendering.p_value(value) == text


def color_share(picture: bytes, color: tuple[int, int, int]) -> float:
    with Image.open(BytesIO(picture)) as image:
        assert image.format == "PNG"
        return float(np.all(np.asarray(image.convert("RGB")) == color, axis=-1).mean())


def test_picture_shows_better_and_worse_in_their_colors():
    green, red, grey = (0x1B, 0x78, 0x37), (0xB2, 0x18, 0x2B), (0x55, 0x55, 0x55)
    picture = plot.as_png(table(*FULL), "t")
    assert min(color_share(picture, color) for color in (green, red, grey)) > 0.0005
    undecided = plot.as_png(table(FULL[0], [0.8, 0.85, 0.81, 0.87]), "t")
    assert color_share(undecided, green) == color_share(undecided, red) == 0


def test_picture_of_nothing_and_of_odd_titles():
    assert color_share(plot.as_png(table([None], [None]), "$\\frac{ _^"), (0x1F, 0x5F, 0x99)) == 0
    assert color_share(plot.as_png(table([0.8], [0.9]), "a\nb"), (255, 255, 255)) > 0.5


def test_pictures_are_made_by_several_threads_at_once():
    found = table(*FULL)
    with ThreadPoolExecutor(4) as pool:
        pictures = set(pool.map(lambda _: plot.as_png(found, "t"), range(8)))
    assert len(pictures) == 1


def test_matplotlib_is_loaded_by_who_asks_for_a_picture_only():
    program = (
        "import sys, core.comparisons.plot, core.comparisons.requests, core.comparisons.statistics\n"
        "print([name for name in ('matplotlib', 'scipy') if name in sys.modules])\n"
        "from tests.core.comparisons.compared import table\n"
        "core.comparisons.plot.as_png(table([0.8], [0.9]), 't')\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["[]", "False"]
