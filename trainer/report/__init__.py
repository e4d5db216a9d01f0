"""report.html: what a training gave, for a person. One file that needs no script, no network and no other file.

`write` gathers, the modules beside it prepare what is shown, `report.html.jinja` and the task's own template say how.
Names of classes come from strangers: they reach the page through jinja's autoescape only, and never a figure.
"""

import json
from pathlib import Path
from typing import Any

from contract.child.messages import Arm
from contract.files import TRAINED
from contract.results.evaluation import Evaluation
from contract.specs import ResolvedSpec
from trainer.data.pack import Pack
from trainer.report import page
from trainer.report.facts import Facts, View


def write(
    spec: ResolvedSpec,
    pack: Pack,
    out: Path,
    *,
    evaluations: dict[Arm, Evaluation],
    view: View,
    shown: Any,
) -> bytes:
    """The page on OUT/main and, where it was evaluated, OUT/control. `shown` are pictures of the published network."""
    facts = Facts(
        view=view,
        spec=spec,
        manifest=pack.manifest,
        evaluations=evaluations,
        curves={arm: json.loads((out / arm / TRAINED).read_bytes())["curves"] for arm in evaluations},
        shown=shown,
    )
    return page.render(facts).encode()
