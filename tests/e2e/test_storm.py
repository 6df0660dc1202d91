"""Thousands of events with everything against them end where a recomputation does.

Ten thousand, and where workers are killed meanwhile, a quarter of that with each CRM but the first:
who takes over from the dead is of the pipeline and not of a CRM.
"""

import random
import time

import pytest

from connectors._http import RETRIES
from infra.sandbox.stand_in import names
from tests.e2e.equality import assert_oracle_equality
from tests.e2e.scenario import (
    assert_as_it_should_be,
    faults,
    sized,
    wait_for,
)
from tests.e2e.storm import storm

pytestmark = pytest.mark.e2e

PEOPLE = 100
EVENTS = 10_000
EVENTS_WITH_KILLS_OF_OTHERS = 2_500
WARM_UP = 3
"""Seconds in which the workers start, which a rate per second should not hold."""

UNKINDNESS = {"duplicate_share": 0.1, "shuffle": True, "delay_ms": 200, "gather_ms": 30}


@pytest.mark.parametrize("crm", names())
@pytest.mark.parametrize(("kill_every", "seed"), [(None, 5), (1, 6)])
def test_thousands_of_events_end_in_oracle_equality(crm, kill_every, seed, tell):
    with storm(crm, PEOPLE, seed, intake_times_out=4) as it, it.receiver() as port:
        with it.workers("process", "process", "write_back"):
            it.know_everybody()
        it.subscribe(port, seed=seed, **UNKINDNESS)
        it.stand_in.faults.follow(faults(seed))
        roles = ("process",) * (6 if kill_every else 2) + ("write_back",)
        with it.workers(*roles, kill_every=kill_every, seed=seed) as calm:
            time.sleep(WARM_UP)
            began = time.monotonic()
            fewer = sized(crm, EVENTS, EVENTS_WITH_KILLS_OF_OTHERS)
            events = it.rage(fewer if kill_every else EVENTS, random.Random(seed))
            it.work_off()
            calm.set()
            it.settle()
            took = time.monotonic() - began
        tell(
            f"{events} events of {PEOPLE} people in {crm}, {it.kills} kills, seed {seed}, against our "
            f"stand-in: {took:.1f} s, {events / took:.0f} events/s",
            f"faults: {dict(sorted(it.stand_in.faults.struck().items()))}",
        )
        it.stand_in.faults.clear()
        assert_as_it_should_be(it)


OUTAGE_SECONDS = 25


@pytest.mark.parametrize("crm", names())
def test_a_crm_that_was_down_is_used_within_a_minute_of_its_return(crm, tell):
    with storm(crm, PEOPLE, 8) as it, it.receiver() as port:
        with it.workers("process", "process", "write_back"):
            it.know_everybody()
        it.subscribe(port, seed=8)
        with it.workers("process", "process", "write_back"):
            it.stand_in.faults.outage()
            it.rage(2_000, random.Random(8))
            time.sleep(OUTAGE_SECONDS)
            it.stand_in.faults.lift()
            returned = time.monotonic()
            wait_for(lambda: it.live.paused_until is None, 60)
            resumed = time.monotonic() - returned
            it.settle()
            drained = time.monotonic() - returned
        calls = it.stand_in.faults.outage_calls()
        tell(
            f"{crm} down for {OUTAGE_SECONDS} s: {len(calls)} calls; used again after {resumed:.1f} s, "
            f"all done after {drained:.1f} s",
        )
        assert resumed < 60
        assert most_within_a_second(calls[FIRST_FAILURES:]) <= TRIES
        assert_oracle_equality(it.services, it.stand_in, it.connection, it.present, it.moved)
        assert it.services.settings.parked(it.connection) == ()
        assert it.dead_letters() == 0


TRIES = 1 + RETRIES
"""Of one caller, who looks whether the CRM is back."""

FIRST_FAILURES = 3 * TRIES
"""Calls of three workers that meet the outage before they hear of each other."""


def most_within_a_second(instants):
    return max(
        (sum(0 <= (other - one).total_seconds() < 1 for other in instants) for one in instants),
        default=0,
    )
