"""cancel, pause, resume and retry against everything that may happen to a job at the same moment.

Each verb at each place of a job's life, `RACES` times: 60 by `make races`, a few in the quick suite.
"""

from __future__ import annotations

import os
from functools import partial

import pytest

from tests.core.jobs.racing import Actor, Race, at_once, violations
from tests.worker import seed

RACES = int(os.environ.get("PATCHSWAP_RACES", "3"))
VERBS = ("cancel", "pause", "resume", "retry")


def queued(race: Race) -> list[Actor]:
    """A second customer asks the same, and the sweeper looks."""
    race.prepare()
    return [race.race, race.sweep]


def claiming(race: Race) -> list[Actor]:
    """Two workers answer the doorbell, and go on to work."""
    race.prepare()
    return [partial(race.work, "one"), partial(race.work, "two")]


def training(race: Race) -> list[Actor]:
    held = race.claim("one")
    race.prepare()
    return [partial(race.train, held), race.sweep]


def publishing(race: Race) -> list[Actor]:
    held = race.claim("one")
    race.prepare()
    return [partial(race.publish, held)]


def no_worker(race: Race) -> list[Actor]:
    """Workers come up later."""
    race.prepare()
    return []


def dead_worker(race: Race) -> list[Actor]:
    """Its lease is over, and it is not quite dead: it comes back to publish while the sweeper takes its job away."""
    held = race.claim("one")
    race.prepare()
    race.expire()
    return [race.sweep, partial(race.publish, held), partial(race.work, "two")]


PLACES = (queued, claiming, training, publishing, no_worker, dead_worker)
# How it may end once all is quiet, for a customer whose request was accepted; one that is refused came too late.
ENDS = {
    "cancel": {"cancelled"},
    "pause": {"paused", "succeeded"},  # one that comes with the publication is too late to be of use
    "resume": {"succeeded"},
    "retry": {"succeeded"},
}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@pytest.mark.parametrize("verb", VERBS)
def test_no_race_breaks_the_ledger_or_a_promise(database: str, verb: str, place):
    version = seed.version(seed.tenant())
    for number in range(RACES):
        race = Race(version, verb, number)
        at_once([race.race, *place(race)], race.random)
        end = race.drain()
        told = f"{verb} while {place.__name__}, seed {number}: {race.answers}, in the end {end}"
        assert violations(race.job.id) == [], told
        assert len(set(race.claims)) == len(race.claims), told
        if "accepted" in race.answers:
            assert end in ENDS[verb], told
        else:
            assert end in {"succeeded", "paused", "cancelled"}, told


@pytest.mark.parametrize("verb", ["cancel", "pause"])
def test_verb_of_a_waiting_job_is_never_refused(database: str, verb: str):
    version = seed.version(seed.tenant())
    for number in range(RACES):
        race = Race(version, verb, number)
        at_once([race.race, *no_worker(race)], race.random)
        assert race.answers == ["accepted"]


def test_of_many_claims_at_once_one_is_given(database: str):
    version = seed.version(seed.tenant())
    for number in range(RACES):
        race = Race(version, "cancel", number)
        at_once([partial(race.claim, name) for name in "abcd"], race.random)
        assert len(race.claims) == 1
        race.drain()


def test_opposite_verbs_at_once_leave_one_story(database: str):
    version = seed.version(seed.tenant())
    for number in range(RACES):
        race = Race(version, "resume", number)
        held = race.claim("one")
        verbs = [partial(race.ask, verb) for verb in VERBS]
        at_once([*verbs, partial(race.train, held), partial(race.work, "two")], race.random)
        race.drain()
        assert violations(race.job.id) == [], f"seed {number}"
