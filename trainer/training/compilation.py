"""torch.compile where it pays: tried before the first step, measured, and left where it fails or is no faster."""

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Literal

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from contract.child.messages import Notice
from trainer.machine.device import autocast
from trainer.training.run import Run

# A cold compile takes half a minute to a minute; below so many steps that is not won back.
WORTH_STEPS = 2_000
TRIALS = 10


def apply(run: Run) -> Iterator[Notice]:
    """Compile the network of a run by its spec. `on` is not measured: it keeps a resumed run on the same kernels."""
    asked = run.spec.training.compile
    worth = run.device.type == "cuda" and run.plan.steps - run.position.step >= WORTH_STEPS
    if asked == "off" or (asked == "auto" and not worth):
        return
    state = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    eager_seconds = _seconds(run) if asked == "auto" else None
    try:
        run.model.compile()
        compiled_seconds = _seconds(run)
    except Exception as error:  # noqa: BLE001 - whatever a compiler of this machine may raise, the run goes on without
        _leave(run)
        yield _notice("warning", "compile_failed", f"torch.compile failed, training goes on without it: {error}"[:500])
    else:
        if eager_seconds is not None and compiled_seconds >= eager_seconds:
            _leave(run)
            yield _notice(
                "info", "compile_left", f"torch.compile brings nothing here: {compiled_seconds:.2e} s a pass."
            )
        else:
            gain = f", {eager_seconds / compiled_seconds:.2f} times as fast" if eager_seconds else ""
            yield _notice("info", "compiled", f"The network is compiled{gain}.")
    finally:
        run.model.load_state_dict(state)  # the trials moved the running statistics
        run.optimizer.zero_grad(set_to_none=True)


def _leave(run: Run) -> None:
    run.model._compiled_call_impl = None  # noqa: SLF001 - torch has no way back


def _seconds(run: Run) -> float:
    """Median of a forward and backward pass of a part of a step, after the first, which compiles."""
    manifest, spec = run.manifest, run.spec
    part = run.parts[0]
    shape = (run.plan.members * (part.stop - part.start), manifest.channels, spec.height, spec.width)
    images_BCHW = torch.zeros(shape, device=run.device).to(memory_format=torch.channels_last)
    _pass(run, images_BCHW)
    return median(_timed(lambda: _pass(run, images_BCHW), run.device) for _ in range(TRIALS))


def _pass(run: Run, images_BCHW: Tensor) -> None:
    with autocast(run.device, run.spec.training.precision):
        said = run.model(images_BCHW)
    sum(one.float().sum() for one in tree_leaves(said)).backward()


def _timed(work: Callable[[], None], device: torch.device) -> float:
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def _notice(severity: Literal["info", "warning"], code: str, message: str) -> Notice:
    return Notice(severity=severity, code=code, message=message)
