"""Optuna's side of a sweep: one study each, kept by its RDBStorage in the schema `optuna` of the ledger's database.

Optuna commits each call by itself. So it is only ever ahead of the ledger, never behind: a trial that it numbered and
the ledger does not know is taken up by that number (`unfinished`), and the values it suggests for a number are always
the same. What became of a trial the ledger decides; Optuna is told afterwards.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import func, make_url, select

from core.database.database import client_options, engine, server_options
from core.settings import settings
from core.sweeps.spec import Choice, FloatRange, Range, SweepSpec

SCHEMA = "optuna"  # made by migrations/versions/0004_sweeps.py
CREATION_LOCK = 0x6F707475
_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}

optuna.logging.disable_default_handler()  # the worker's own log has it
optuna.logging.enable_propagation()
optuna.logging.set_verbosity(optuna.logging.WARNING)


class Study:
    """The trials of one sweep, by number."""

    def __init__(self, sweep_id: str, asked: SweepSpec) -> None:
        self._asked = asked
        rungs = asked.rungs
        self._study = optuna.create_study(
            storage=_storage(),
            study_name=sweep_id,
            direction=asked.direction,
            pruner=optuna.pruners.SuccessiveHalvingPruner(
                min_resource=rungs.min_epochs, reduction_factor=rungs.reduction_factor
            )
            if asked.algorithm == "asha"
            else optuna.pruners.NopPruner(),
            load_if_exists=True,
        )

    def unfinished(self) -> list[int]:
        """Numbers that Optuna gave out and has not been told the end of."""
        return [trial.number for trial in self._trials() if trial.state == TrialState.RUNNING]

    def ask(self) -> int:
        """A new trial's number."""
        return self._study.ask().number

    def params(self, number: int) -> dict[str, Any]:
        """The trial's values: a function of the search's seed, the number and the path, however often it is asked."""
        trial = self._open(number)
        return {path: self._suggest(trial, path, values) for path, values in sorted(self._asked.space.items())}

    def is_behind(self, number: int, *, epoch: int, value: float) -> bool:
        """Whether the pruner would end the trial, now that it has this value at this epoch.

        Optuna notes the rung as it judges. Were we to crash between that and our commit, the trial would go on to
        its next rung: an epoch too many, nothing worse.
        """
        trial = self._open(number)
        if epoch not in self._frozen(number).intermediate_values:
            trial.report(value, epoch)
        return trial.should_prune()

    def tell(self, number: int, ending: str, value: float | None) -> None:
        """How the trial ended; a second time is no error."""
        state = _STATES.get(ending, TrialState.FAIL)
        self._study.tell(number, value if state == TrialState.COMPLETE else None, state=state, skip_if_finished=True)

    def _suggest(self, trial: optuna.Trial, path: str, values: Range) -> Any:
        # A sampler's own state would begin anew with each process; seeded so, interrupted and repeated are the same.
        digest = hashlib.sha256(f"{self._asked.seed} {trial.number} {path}".encode()).digest()
        self._study.sampler = RandomSampler(seed=int.from_bytes(digest[:4], "big"))
        if isinstance(values, Choice):
            return trial.suggest_categorical(path, values.values)
        if isinstance(values, FloatRange):
            return trial.suggest_float(path, values.low, values.high, log=values.log)
        return trial.suggest_int(path, values.low, values.high, step=values.step, log=values.log)

    def _open(self, number: int) -> optuna.Trial:
        """A running trial to go on with; Optuna has no other way to take one up again than by its inner id."""
        return optuna.Trial(self._study, self._frozen(number)._trial_id)  # noqa: SLF001

    def _frozen(self, number: int) -> FrozenTrial:
        return self._trials()[number]

    def _trials(self) -> Sequence[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)


def names() -> set[str]:
    """Of all studies: ids of sweeps."""
    return set(optuna.get_all_study_names(_storage()))


def forget(sweep_id: str) -> None:
    """Remove a study with its trials; one that another driver removed is no error."""
    with suppress(KeyError):
        optuna.delete_study(study_name=sweep_id, storage=_storage())


@lru_cache
def _storage() -> optuna.storages.RDBStorage:
    """Optuna's tables, made by whoever comes first: two at once would both try (seen with Optuna 5.0)."""
    with engine("search").begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(CREATION_LOCK)))
        return optuna.storages.RDBStorage(_url(), engine_kwargs={"pool_pre_ping": True, "pool_size": 1})


def _url() -> str:
    """The ledger's, in Optuna's schema. By the url alone: Optuna's own upgrades read nothing else."""
    options = f"-c search_path={SCHEMA} {server_options('search')}"
    client = {name: str(value) for name, value in client_options().items()}
    url = make_url(settings().database_url).update_query_dict({"options": options, **client})
    # Optuna fills a template with {SCHEMA_VERSION}; a brace of a password is to stay one.
    return url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}")
