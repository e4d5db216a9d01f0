"""The driver of sweeps: reads the ledger, asks and tells Optuna, submits and prunes jobs. Holds nothing in memory.

One look at one sweep is one transaction under the lock on its row, so two drivers never work on the same; killed
anywhere, the next look finds what was committed, and what Optuna had numbered beyond that (`studies.py`).
"""

import logging
from contextlib import suppress
from dataclasses import dataclass, field

from optuna.exceptions import StorageInternalError
from sqlalchemy.orm import Session

from core import queue
from core.sweeps import ledger
from core.sweeps.spec import SweepSpec
from core.tables import Sweep, SweepTrial
from worker.claims.ledger_writes import LedgerAway, write_once
from worker.sweeps import studies
from worker.sweeps.studies import Study

logger = logging.getLogger(__name__)


@dataclass
class Step:
    """What one look did, to be acted on after its commit."""

    submitted: list[str] = field(default_factory=list)  # jobs to ring for
    more: bool = False  # a trial ended: Optuna is to be told, and its place is free


@dataclass(frozen=True)
class _Search:
    """A sweep that is being searched, locked."""

    session: Session
    sweep: Sweep
    asked: SweepSpec
    study: Study
    board: list[SweepTrial]

    @property
    def running(self) -> list[SweepTrial]:
        return [trial for trial in self.board if trial.status == "running"]

    @property
    def is_over(self) -> bool:
        return len(self.board) >= self.asked.trials and not self.running


def tick() -> None:
    """Look at every running sweep. What goes wrong with one does not hold up the others. Raises LedgerAway."""
    _forget_deleted()
    for sweep_id in write_once(ledger.running, "search"):
        try:
            while drive(sweep_id).more:
                pass
        except LedgerAway:
            raise
        except StorageInternalError as error:
            logger.warning("%s waits for Optuna's storage: %s", sweep_id, error)
        except Exception:
            logger.exception("%s could not be driven", sweep_id)


def _forget_deleted() -> None:
    """Optuna's part of sweeps that their customers deleted. Its names are read first: a study is younger than its row.

    Without Optuna a sweep cannot be driven either, and there it is told.
    """
    with suppress(StorageInternalError):
        known = studies.names()
        for sweep_id in known - write_once(lambda session: ledger.existing(session, known), "search"):
            studies.forget(sweep_id)


def drive(sweep_id: str) -> Step:
    """One look at one sweep; nothing where it is over or another driver has it."""
    step = write_once(lambda session: _look(session, sweep_id), "search")
    for job_id in step.submitted:
        queue.ring("worker.train", job_id)
    return step


def _look(session: Session, sweep_id: str) -> Step:
    sweep = ledger.lock(session, sweep_id)
    if sweep is None:
        return Step()
    if sweep.final_at is not None:
        ledger.close(session, sweep)
        return Step()
    asked = SweepSpec.model_validate(sweep.spec)
    search = _Search(session, sweep, asked, Study(sweep.id, asked), ledger.trials(session, sweep))
    ended = [trial for trial in search.running if _follow(search, trial)]
    if ended:
        return Step(more=True)
    unfinished = _tell(search)
    if search.is_over:
        final = ledger.submit_final(session, sweep, asked, search.board)
        return Step(submitted=[final] if final else [])
    return _begin(search, unfinished)


def _follow(search: _Search, trial: SweepTrial) -> bool:
    """Judge what the trial reached since the last look; True where it is over."""
    session, sweep, asked = search.session, search.sweep, search.asked
    for point in ledger.unjudged(session, asked, trial):
        behind = search.study.is_behind(trial.number, epoch=point.epoch, value=point.value)
        ledger.record(sweep, trial, point)
        if behind and ledger.prune(session, sweep, asked, trial):
            return True
    return ledger.settle(session, sweep, trial)


def _tell(search: _Search) -> list[int]:
    """Tell Optuna what the ledger has decided; gives the numbers that the ledger knows nothing of."""
    ended = {trial.number: trial for trial in search.board if trial.status != "running"}
    known = {trial.number for trial in search.board}
    unfinished = search.study.unfinished()
    for number in unfinished:
        if number in ended:
            search.study.tell(number, ended[number].status, ended[number].value)
    return [number for number in unfinished if number not in known]


def _begin(search: _Search, unfinished: list[int]) -> Step:
    """Fill the free places: first with trials whose job was never committed, then with new ones."""
    step = Step()
    for _ in range(search.asked.max_concurrent - len(search.running)):
        if not unfinished and len(search.board) >= search.asked.trials:
            break
        number = unfinished.pop(0) if unfinished else search.study.ask()
        if number >= search.asked.trials:  # asked for by a driver that had lost its lock
            search.study.tell(number, "failed", None)
            continue
        params = search.study.params(number)
        trial = ledger.begin(search.session, search.sweep, search.asked, number=number, params=params)
        search.board.append(trial)
        if trial.job_id is None:
            step.more = True
        else:
            step.submitted.append(trial.job_id)
    return step
