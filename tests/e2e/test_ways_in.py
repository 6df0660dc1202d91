"""Where a CRM can ring in several ways, each of them alone ends where a recomputation does."""

import json
import random
import time
from datetime import timedelta

import boto3
import pytest

from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.reconcile import reconcile
from tests.e2e.scenario import assert_as_it_should_be, faults, wait_for
from tests.e2e.storm import storm

pytestmark = pytest.mark.e2e

CRM = "salesforce"
PEOPLE = 60
EVENTS = 1_000
PAUSE = 0.015
SHARE = 0.2
"""Messages that are told together are read together: without a pause there are hardly any calls
that something could happen to, and no time for anybody to die."""

UNKINDNESS = {"duplicate_share": 0.1, "shuffle": True, "delay_ms": 200, "gather_ms": 30}

UNTOLD = {"messages": ("part", "gone"), "flow": (), "cdc": ("part",)}
"""What only looking finds: that a deal is no longer somebody's, and that somebody is gone."""


@pytest.mark.parametrize(("way", "seed"), [("messages", 21), ("flow", 22), ("cdc", 23)])
def test_a_storm_with_kills_by_each_way_alone_ends_in_oracle_equality(way, seed, tell):
    with storm(CRM, PEOPLE, seed, intake_times_out=4) as it, it.receiver() as port:
        with it.workers("process", "process", "write_back"):
            it.know_everybody()
        everybody = it.present
        it.subscribe(port, way=way, sink=rule(it), seed=seed, **UNKINDNESS)
        it.stand_in.faults.follow(faults(seed, SHARE))
        roles = ("process",) * 4 + ("write_back",)
        with it.workers(*roles, kill_every=1, seed=seed) as calm:
            began = time.monotonic()
            events = it.rage(EVENTS, random.Random(seed), PAUSE)
            it.work_off()
            calm.set()
            it.settle()
            look_around(it, everybody, UNTOLD[way])
            took = time.monotonic() - began
        tell(
            f"{events} events by {way} of {PEOPLE} people in {CRM}, {it.kills} kills, seed {seed}, "
            f"against our stand-in: {took:.1f} s",
            f"faults: {dict(sorted(it.stand_in.faults.struck().items()))}",
        )
        it.stand_in.faults.clear()
        assert_as_it_should_be(it)


def rule(it):
    """What the rule of the partner event bus puts into the intake queue."""
    client, url = boto3.client("sqs"), it.settings.intake_url

    def put(events):
        bodies = [{"connection": it.connection, "event": one} for one in events]
        entries = [
            {"Id": str(place), "MessageBody": json.dumps(body)} for place, body in enumerate(bodies)
        ]
        answer = client.send_message_batch(QueueUrl=url, Entries=entries)
        assert not answer.get("Failed")

    return put


def look_around(it, everybody, untold):
    """Reconcile, and where nobody tells who is gone, the audit of all of them that is eight days'."""
    now = it.services.clock.now()
    if untold:
        assert reconcile(it.services, now, now + timedelta(seconds=60)) > 0
    if "gone" in untold:
        refs = [it.ref(one) for one in everybody]
        it.services.intake.send(refs_messages(it.connection, refs, Reason.RECONCILE))
    wait_for(lambda: it.services.intake.backlog() == 0, 120)
    it.settle()
