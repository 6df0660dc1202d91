"""Ten thousand events with everything against them end where a recomputation does."""

import random
import time

import pytest

from infra.sandbox.hubspot.fault_plan import FaultPlan
from tests.e2e.equality import assert_oracle_equality, overtaken, ref_of, written_twice
from tests.e2e.storm import CONNECTION, storm

pytestmark = pytest.mark.e2e

CONTACTS = 120
WARM_UP = 3
"""Seconds in which the workers start, which a rate per second should not hold."""

UNKINDNESS = {"duplicate_share": 0.1, "shuffle": True, "delay_ms": 200, "gather_ms": 30}


@pytest.mark.parametrize(("kill_every", "seed"), [(None, 5), (1, 6)])
def test_ten_thousand_events_end_in_oracle_equality(kill_every, seed, capsys):
    with storm(CONTACTS, seed) as it, it.receiver() as port:
        with it.workers("process", "process", "write_back"):
            it.know_everybody()
        it.subscribe(port, seed=seed, **UNKINDNESS)
        it.hubspot.faults.follow(FaultPlan(seed=seed, share=0.05, hang_seconds=1, slow_seconds=1))
        roles = ("process", "process", "process", "write_back")
        with it.workers(*roles, kill_every=kill_every, seed=seed) as calm:
            time.sleep(WARM_UP)
            began = time.monotonic()
            events = it.rage(10_000, random.Random(seed))
            it.work_off()
            calm.set()
            it.settle()
            took = time.monotonic() - began
        with capsys.disabled():
            print(
                f"\n{events} events, {it.kills} kills, {took:.1f} s: {events / took:.0f} events/s"
            )
            print(f"faults: {dict(sorted(it.hubspot.faults.struck().items()))}")
        it.hubspot.faults.clear()
        assert_as_it_should_be(it)


def assert_as_it_should_be(it):
    assert len(it.hubspot.faults.struck()) > 1
    assert_oracle_equality(it.services, it.portal, CONNECTION, it.present, it.moved)
    assert it.services.settings.parked(CONNECTION) == ()
    assert it.dead_letters() == 0
    assert written_twice(it.portal) == []
    assert overtaken(it.services, it.portal, CONNECTION) == []
    assert all(card_of(it, one).hidden for one in it.gone[:4])
    assert not any(card_of(it, one).hidden for one in it.gone[4:])
    assert all(card_of(it, one).version == 0 for one in it.erased)
    assert all(
        card_of(it, loser).stub.into == ref_of(CONNECTION, survivor) for survivor, loser in it.pairs
    )


def card_of(it, contact):
    return it.services.store.load(ref_of(CONNECTION, contact)).card
