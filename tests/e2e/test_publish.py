"""A changed policy on thousands of cards: everybody once, from stored facts, whoever is killed.

Figures taken here are against our stand-in and a local cloud.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib.core.facts import Fact
from chalicelib.pipeline import rescore
from chalicelib.pipeline.effect import effect, present
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.scorer import scorer
from chalicelib.policy import compile_policy, version_of
from chalicelib.scoring.simulation import summary
from infra.sandbox.stand_in import Person, names
from tests.e2e.scenario import TITLES, wait_for
from tests.e2e.storm import storm
from tests.fakes.bells import unheard

pytestmark = pytest.mark.e2e

CARDS = 5_000
SEED = 11
PATIENCE = 900
MOST_WAITING = 600
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def it():
    """Everybody is scored by the shipped policy, and the stand-in shows it."""
    with storm(names()[0], 0, SEED, intake_times_out=8) as it:
        it.put_secret(1)
        rng = random.Random(SEED)
        know(it, [somebody(it, rng) for _ in range(CARDS)])
        with it.workers("write_back"):
            it.services.write_back.send(refs_messages(it.connection, cards(it)))
            it.settle(PATIENCE)
        yield it


def somebody(it, rng):
    """The facts of a contact in the stand-in: a job, and up to three won deals, nothing that decays."""
    title = rng.choice(TITLES)
    ref = it.ref(it.people.load_person(Person("", title)))
    now = it.people.now()
    deals = [deal(ref, number, now, rng) for number in range(rng.randrange(4))]
    linked = {"deal": [one.id for one in deals], "account": []}
    return ref, (
        Fact(ref, "contact", ref.id, now, {"job_title": title}, now),
        Fact(ref, "links", "links", now, linked),
        *deals,
    )


def deal(ref, number, now, rng):
    at = now - rng.randrange(5, 300) * DAY
    amount = {"amount": rng.randrange(500, 90_000), "currency": "USD"}
    data = {"status": "won", "amount": amount, "closed_at": at.isoformat()}
    return Fact(ref, "deal", f"{ref.id}-{number}", at, data, at)


def know(it, people):
    services = it.services
    score = scorer(it.live, services.store, services.clock.now(), Reason.READ, ring=unheard).score
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: score(*one), people))


def cards(it):
    return present(it.connection, it.services)


def changed(page):
    """Whoever decides in the company gets twice as many points, and class A begins lower."""
    page = json.loads(json.dumps(page))
    page["lead"]["groups"][0]["rules"][0]["points"] *= 2
    page["customer"]["classes"]["A"] -= 10
    return page


def driver(it):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.rescore_driver", it.connection, str(MOST_WAITING)],
        env=it.environment,
        stdout=it.log,
        stderr=it.log,
    )


def told(it):
    state = it.services.settings.checkpoint(it.connection, rescore.CHECKPOINT) or {}
    return state.get("told", 0) if state.get("number") == 1 else 0


def versions(it):
    refs = cards(it)
    return {card.ref: card.version for card in it.services.store.cards(refs)}


def made(it):
    return Counter(row["made"] for row in it.services.store.population(it.connection))


def written(it):
    """How often each record's fields were written."""
    revisions = it.people.revisions
    return Counter({one: len(revisions(one, "updated")) for one in it.people.everybody()})


def foreseen(it, new):
    services = it.services
    found = effect(it.live, new, cards(it), services, services.clock.now())
    return summary(found)


def test_a_changed_policy_scores_everybody_once_and_writes_what_was_foreseen(it, tell):
    new = changed(it.page)
    begun = time.monotonic()
    expected = foreseen(it, compile_policy(new))
    simulated = time.monotonic() - begun
    before, shown = versions(it), written(it)
    it.stand_in.requests.reset()
    it.services.settings.publish_policy(
        it.connection, version_of(new), new, it.services.clock.now(), over=version_of(it.page)
    )
    begun = time.monotonic()
    with it.workers("write_back"):
        with it.workers("process", "process", kill_every=6, seed=SEED):
            first = driver(it)
            wait_for(lambda: told(it) > CARDS // 4, PATIENCE)
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
            killed_at = told(it)
        assert killed_at < CARDS
        assert len(made(it)) == 2
        with it.workers("process", "process"):
            assert driver(it).wait(PATIENCE) == 0
            it.settle(PATIENCE)
    seconds = time.monotonic() - begun

    assert made(it) == {rescore.in_force(it.live): CARDS}
    after = versions(it)
    assert Counter(after[ref] - before[ref] for ref in before) == {1: CARDS}
    news = written(it) - shown
    assert set(news.values()) == {1}
    assert news.total() == expected.records_written > 0
    calls = it.stand_in.requests.counts()
    grants = sum(count for route, count in calls.items() if "oauth" in route)
    reads = sum(calls.values()) - grants - it.stand_in.writes()
    assert reads == 0, calls
    assert it.dead_letters() == 0
    tell(
        f"{CARDS:,} cards: effect worked out in {simulated:.0f} s, rescored in {seconds:.0f} s",
        f"driver killed after {killed_at:,} told, {it.kills} workers killed; each card saved once",
        f"{news.total():,} records written, {expected.records_written:,} foreseen, "
        f"in {it.stand_in.writes()} calls; 0 reads of the CRM",
    )
