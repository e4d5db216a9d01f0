"""The table and the plot of a model's files, and the command line that chooses one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchswap.cli import main, pareto
from patchswap.resources import Pareto
from tests.patchswap.calls.test_exports import content, job, model  # noqa: F401 - fixtures
from tests.patchswap.resources.test_pareto import SOME, point, value
from tests.patchswap.resources.test_pareto import pareto as made


def test_table_marks_the_front_and_what_is_estimated():
    found = made(
        point("a", 1234, 1, 2), point("b", 1, 1, 0, status="queued", bytes=value(5, "estimated"), on_front=False)
    )
    heading, first, second = pareto.as_table(found).splitlines()
    assert heading.split() == ["ID", "FORMAT", "PRECISION", "BYTES", "TOP1_ACCURACY", "%", "DROP", "MS", "STATUS"]
    assert first.split() == ["*", "a", "onnx", "int8", "1,234", "88.00", "2.00", "1.000", "succeeded"]
    assert second.split()[3] == "~5"


def test_plot_puts_the_small_left_and_the_accurate_up():
    lines = pareto.as_plot(made(point("a", 10, 1, 5), point("b", 1000, 2, 0)), "bytes").splitlines()
    (top,) = [line for line in lines if "|" in line and "2" in line.split("|")[1]]
    (bottom,) = [line for line in lines if "|" in line and "1" in line.split("|")[1]]
    assert (lines.index(top), lines.index(bottom)) == (1, pareto.HEIGHT)
    assert (bottom.split("|")[1].index("1"), top.split("|")[1].index("2")) == (0, pareto.WIDTH - 1)
    assert "10 B" in lines[pareto.HEIGHT + 2]
    assert "1.0 kB" in lines[pareto.HEIGHT + 2]


def test_plot_of_one_file_and_of_none():
    assert "nothing to plot" in pareto.as_plot(made(), "latency_ms")
    assert pareto.as_plot(made(point("a", 10, 1, 5)), "latency_ms").count("1  onnx int8") == 1
    assert pareto.as_plot(SOME, "bytes").count("on the front") == len(SOME.points)


@pytest.fixture
def command(proxy, api_key: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATCHSWAP_URL", proxy.url)
    monkeypatch.setenv("PATCHSWAP_API_KEY", api_key)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        return int(ended.value.code or 0)

    return run


def test_exports_of_a_model_are_listed_by_naming_it(command, model, capsys):  # noqa: F811 - a fixture
    for arguments in (("exports", model.id), ("exports", "list", model.job_id)):
        assert command(*arguments) == 0
        told = capsys.readouterr().out
        assert "gate_failed" in told
        assert "89.00" in told
    assert command("exports", model.id, "--json") == 0
    assert {one["precision"] for one in json.loads(capsys.readouterr().out)} == {"fp32", "int8"}


def test_pareto_is_plotted_and_drawn(command, model, capsys, tmp_path: Path):  # noqa: F811
    assert command("exports", "pareto", model.id, "--png", str(tmp_path / "p.png"), "--against", "latency_ms") == 0
    assert "onnx fp32, succeeded, on the front" in capsys.readouterr().out
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert command("exports", "pareto", model.id, "--json") == 0
    assert Pareto.model_validate_json(capsys.readouterr().out).model_id == model.id


def test_smallest_is_pulled_or_told_why_not(command, model, capsys, tmp_path: Path):  # noqa: F811
    assert command("pull", model.id, "--smallest", "--max-drop", "1", "--to", "it", "--json") == 0
    assert (tmp_path / "it" / "manifest.json").is_file()
    capsys.readouterr()
    assert command("pull", model.job_id, "--fastest", "--max-drop", "0.5") == 2
    told = capsys.readouterr().err
    assert "no measured file that drops at most 0.5 points" in told
    assert "drops 1.00" in told


@pytest.mark.parametrize("asked", [("--max-drop", "1"), ("--smallest", "--fastest")])
def test_choice_needs_one_thing_to_choose_by(command, model, capsys, asked):  # noqa: F811
    assert command("pull", model.id, *asked) == 2
    assert "Give --smallest or --fastest" in capsys.readouterr().err
    assert command("pull", "exp_" + "0" * 32, "--smallest") == 2
