"""report.html: what a training gave, for a person. One file that needs no script, no network and no other file.

`write` gathers, the modules beside it prepare what is shown, `report.html.jinja` says how. Names of classes come from
strangers: they reach the page through jinja's autoescape only, and never a figure.
"""

import json
from pathlib import Path

from torch import nn

from core.progress import Arm
from core.spec import Evaluation, ResolvedSpec
from trainer.pack import Pack
from trainer.prediction import LabelledImages
from trainer.report import page, swaps
from trainer.report.facts import Facts


def write(
    spec: ResolvedSpec,
    pack: Pack,
    out: Path,
    *,
    evaluations: dict[Arm, Evaluation],
    model: nn.Module,
    held_out: LabelledImages,
) -> bytes:
    """The page on OUT/main and, where it was evaluated, OUT/control. `model` is the main arm's, on the device."""
    facts = Facts(
        spec=spec,
        manifest=pack.manifest,
        evaluations=evaluations,
        curves={arm: json.loads((out / arm / "train.json").read_bytes())["curves"] for arm in evaluations},
        pairs=swaps.pairs(spec, model, held_out),
    )
    return page.render(facts).encode()
