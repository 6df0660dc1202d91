"""The same storm, smaller, upon the packaged artefact: it ends where a recomputation does."""

import random
import time
from collections import Counter

import pytest

from infra.sandbox.stand_in import names
from tests.e2e.packaged_storm import PROC, packaged_storm
from tests.e2e.scenario import assert_as_it_should_be, faults, sized

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not PROC.exists(), reason="workers that are at work are found in /proc"),
]

PEOPLE = 60
SEED = 9
EVENTS = 1_500
EVENTS_OF_OTHERS = 600
PAUSE = 0.04
"""Seconds between two changes, so that the storm of the first CRM lasts for a minute and many die in
it; that of each other one lasts for almost half of that.
"""

UNKINDNESS = {
    "duplicate_share": 0.1,
    "shuffle": True,
    "delay_ms": 200,
    "gather_ms": 150,
    "max_concurrent": 4,
    "retry_limit_ms": 5_000,
}

SELDOM = {"429": 0.25}
"""After one of these the artefact waits ten seconds for the window to pass, as it must."""


@pytest.mark.parametrize("crm", names())
def test_a_storm_upon_the_packaged_artefact_ends_in_oracle_equality(crm, tell):
    with packaged_storm(crm, PEOPLE, SEED) as it:
        it.rehearsal.subscribe(seed=SEED, **UNKINDNESS)
        it.stand_in.faults.follow(faults(SEED, **SELDOM))
        began = time.monotonic()
        with it.flying_time(), it.deaths(1, SEED) as calm:
            many = sized(crm, EVENTS, EVENTS_OF_OTHERS)
            events = it.rage(many, random.Random(SEED), PAUSE)
            calm.set()
            raged = time.monotonic() - began
            it.settle()
        took = time.monotonic() - began
        tell(
            f"{events} events of {PEOPLE} people in {crm} upon the packaged artefact, seed {SEED}, against "
            f"our stand-in: {took:.1f} s, {raged:.1f} s of them with kills",
            f"killed: {dict(it.killed)}, {it.struck_at_work()} in the middle of a batch",
            f"deliveries by answer: {answers(it)}",
            f"faults: {dict(sorted(it.stand_in.faults.struck().items()))}",
        )
        it.stand_in.faults.clear()
        assert it.killed.total() > 5
        assert_as_it_should_be(it)


def answers(it):
    return dict(Counter(one.status for one in it.stand_in.attempts()))
