"""An exported file measured again where this runs: over the held-out split, against its golden output, by the clock.

Nothing is converted and no network is built: what is measured is the file of the bundle, by its format's runtime.
"""

import json
import os
import tempfile
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from contract.child.messages import Done, Message, Working
from contract.files import BUNDLE_MANIFEST, PROFILE_RESULT
from contract.results.evaluation import DETAILS
from contract.results.exported import ProfileResult
from contract.specs import ExportSpec, ResolvedSpec
from portable import golden
from trainer.data.pack import Pack
from trainer.errors import export_failed
from trainer.export.measuring import measurement, timing
from trainer.export.order import Order
from trainer.export.waiting import working_while
from trainer.machine import durable


def run(spec: ResolvedSpec, *, pack: Pack, bundle: Path, out: Path) -> Iterator[Message]:
    """Write OUT/profile.json. Reads OUT/main/evaluation.json. Raises TrainerError."""
    with tempfile.TemporaryDirectory(dir=out, prefix=".profile-") as scratch:
        folder = Path(scratch)
        with ZipFile(bundle) as archive:
            archive.extractall(folder)  # of our own making; whoever fetched it compared its sha256
        manifest = json.loads((folder / BUNDLE_MANIFEST).read_bytes())
        export = ExportSpec(format=manifest["format"], precision=manifest["precision"])
        measured = yield from _measure(
            Order(spec, pack.fitted(spec.training.fit, spec.training.tiles), export, out, folder), manifest
        )
    durable.write(out / PROFILE_RESULT, ProfileResult(measured=measured).model_dump_json(indent=2).encode())
    yield Done(files={"profile": os.path.relpath(out / PROFILE_RESULT, out)})


def _measure(order: Order, manifest: dict[str, Any]) -> Generator[Working, None, dict[str, Any]]:
    if not order.format.RUNS_HERE:
        raise export_failed("measure again", f"No worker runs {order.format.TITLE} files.")
    model = order.format.RUNTIME.Model(order.folder)
    held = golden.compare(model, order.folder, manifest["golden"]["output_tolerance"])
    found = yield from measurement.run_over_split(order, [model], net=None)
    measured = measurement.figures_of(order, found.parts)
    timed = yield from working_while(
        "measure latency", partial(timing.time_models, order.format.RUNTIME, [order.folder])
    )
    return {
        **measured.model_dump(exclude=set(DETAILS)),
        **measurement.drop_of(order, measured),
        **held,
        **timed,
    }
