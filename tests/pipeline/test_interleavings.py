"""Two workers at one subject, in every order that their requests can take.

Each pair also with the death of one of them before any of its requests, and its message delivered
again. What has to come out is what comes out when they work one after the other.
"""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.core.errors import Superseded
from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref
from chalicelib.pipeline.delivery import delivery
from chalicelib.pipeline.messages import Envelope, Reason, refs_messages
from chalicelib.pipeline.scorer import scorer
from chalicelib.pipeline.write_back import write_back
from tests.fakes import connector as toy
from tests.fakes.bells import unheard
from tests.fakes.clock import NOON
from tests.fakes.crm import FakeCrm
from tests.fakes.store import InMemorySubjectStore
from tests.pipeline.conftest import CONNECTION, Installation, links, visit, won_deal
from tests.pipeline.interleaving import SteppingStore, outcomes, stepping

DAY = timedelta(days=1)
ANNA = Ref(CONNECTION, "contact", "1")
ANN = Ref(CONNECTION, "contact", "2")
INSTALLATION = Installation()
LIVE = INSTALLATION.settings.live(CONNECTION)


def of(store, reason=Reason.READ, now=NOON):
    return scorer(LIVE, store, now, reason, ring=unheard)


def contact(ref, job="CEO", now=NOON):
    return Fact(ref, "contact", ref.id, now, {"job_title": job}, now)


def known(ref, *facts, now=NOON):
    """As a reading tells a subject: its record and all its associations come every time."""
    deals = [fact.id for fact in facts if fact.type == "deal"]
    linked = replace(links(ref, now, ()), data={"deal": deals, "account": []})
    return (contact(ref, now=now), linked, *facts)


def bodies(store):
    """Without the next change, which depends on what the CRM was told on the way."""
    return {
        str(ref): {**one.card.body, "next_change_at": None}
        for ref, one in store.subjects.items()
        if one.card and not one.card.stub
    }


def state_of(store):
    crm = store.crm.entries if hasattr(store, "crm") else ()
    told = sorted(store.known.items(), key=str)
    return repr(
        (
            sorted(store.subjects.items()),
            sorted(store.erased, key=str),
            sorted(store.links),
            told,
            crm,
        )
    )


def facts_of(store, ref):
    return sorted(fact.key for fact in store.load(ref).facts)


def every_outcome(world, dies=True, most=40):
    """Of all orders, without a death and with one before each step of the first actor."""
    yield from outcomes(world)
    for step in range(1, most if dies else 1):
        before = world.deaths
        yield from outcomes(world, dies_before=step)
        if world.deaths == before:  # nobody takes so many steps
            return


class World:
    """Makes the actors of one run, and counts the runs and the deaths."""

    def __init__(self, prepare, actors, look, *, paged=True):
        self.prepare, self.actors, self.look, self.paged = prepare, actors, look, paged
        self.runs = self.deaths = 0

    def __call__(self, turnstile):
        store = InMemorySubjectStore()
        self.prepare(store)
        self.runs += 1
        lives = [
            Lives(self, act, SteppingStore(store, turnstile, paged=self.paged))
            for act in self.actors
        ]
        return lives, lambda: state_of(store), lambda: self.look(store)


class Lives:
    """An actor that counts its deaths; ``store.life`` tells it which life this is."""

    def __init__(self, world, act, store):
        self.world, self.act, self.store = world, act, store

    def __call__(self):
        self.store.life += 1
        self.world.deaths += self.store.life > 1
        self.act(self.store)


def quiet(prepare, actors, look):
    """What comes out when nobody disturbs anybody."""
    store = InMemorySubjectStore()
    prepare(store)
    for act in actors:
        act(store)
    return look(store)


def assert_as_quiet(prepare, actors, look):
    """Both ways round: either of the two may be the one that dies."""
    expected = quiet(prepare, actors, look)
    for order in (actors, actors[::-1]):
        paged = World(prepare, order, look)
        assert all(found == expected for found in outcomes(paged))
        dying = World(prepare, order, look, paged=False)
        assert all(found == expected for found in every_outcome(dying))
        assert paged.runs > 5
        assert dying.deaths > 5


def nothing(_store):
    pass


def anna_is_known(store):
    of(store).score(ANNA, known(ANNA, visit(ANNA, NOON - DAY)))


def test_two_scorers_of_a_new_subject_lose_nothing():
    assert_as_quiet(
        nothing,
        [
            lambda store: of(store).score(ANNA, known(ANNA, visit(ANNA, NOON - DAY))),
            lambda store: of(store).score(ANNA, known(ANNA, visit(ANNA, NOON - 2 * DAY))),
        ],
        lambda store: (bodies(store), facts_of(store, ANNA)),
    )


def test_two_scorers_of_a_known_subject_lose_nothing():
    assert_as_quiet(
        anna_is_known,
        [
            lambda store: of(store).score(ANNA, [visit(ANNA, NOON - 3 * DAY)]),
            lambda store: of(store).score(ANNA, [visit(ANNA, NOON - 2 * DAY)]),
        ],
        lambda store: (bodies(store), facts_of(store, ANNA)),
    )


def published():
    """What is in force after the first rule was given other points."""
    page = json.loads(json.dumps(LIVE.policy))
    page["lead"]["groups"][0]["rules"][0]["points"] += 1
    return replace(LIVE, policy=page, revision=LIVE.revision + 1)


def began_before(store):
    """A worker that knows of the old policy alone, until it is told to begin anew."""
    news = [visit(ANNA, NOON - 3 * DAY)]
    try:
        of(store).score(ANNA, news)
    except Superseded:
        scorer(published(), store, NOON, Reason.READ, ring=unheard).score(ANNA, news)


def test_no_worker_of_an_old_policy_undoes_a_rescore():
    assert_as_quiet(
        anna_is_known,
        [
            began_before,
            lambda store: scorer(published(), store, NOON, Reason.RESCORE, ring=unheard).score(
                ANNA
            ),
        ],
        lambda store: (bodies(store), facts_of(store, ANNA)),
    )


def both_are_known(store):
    anna_is_known(store)
    of(store).score(ANN, known(ANN, visit(ANN, NOON - 4 * DAY)))


def merge(store):
    """As process does: the survivor is scored with what was read of it."""
    of(store).merge(ANN, ANNA)
    deal = won_deal(ANNA, "9", NOON - DAY, 500)
    of(store).score(ANNA, known(ANNA, deal, now=NOON))


def merged(store):
    loser = store.load(ANN)
    return (
        bodies(store),
        facts_of(store, ANNA),
        (loser.card.stub.why, loser.card.stub.into, len(loser.facts), loser.card.due_at),
    )


def test_a_scorer_of_the_loser_and_a_merge_strand_no_fact():
    assert_as_quiet(
        both_are_known,
        [merge, lambda store: of(store).score(ANN, [visit(ANN, NOON - 5 * DAY)])],
        merged,
    )


def test_a_scorer_of_the_survivor_and_a_merge_strand_no_fact():
    assert_as_quiet(
        both_are_known,
        [merge, lambda store: of(store).score(ANNA, [visit(ANNA, NOON - 5 * DAY)])],
        merged,
    )


def test_two_merges_of_one_pair_are_one():
    world = World(both_are_known, [merge, merge], merged, paged=False)
    expected = quiet(both_are_known, [merge, merge], merged)
    assert all(found == expected for found in outcomes(world))


@pytest.mark.e2e
def test_two_merges_of_one_pair_are_one_also_when_one_dies():
    assert_as_quiet(both_are_known, [merge, merge], merged)


def test_a_loser_that_nobody_knew_becomes_an_alias_all_the_same():
    assert_as_quiet(
        anna_is_known,
        [merge, lambda store: of(store).score(ANN, known(ANN, visit(ANN, NOON - 5 * DAY)))],
        merged,
    )


def erased(store):
    return bodies(store), facts_of(store, ANNA), store.holders(Ref(CONNECTION, "deal", "9"))


def test_a_scorer_and_an_erasure_leave_nothing():
    deal = won_deal(ANNA, "9", NOON - DAY, 500)
    assert_as_quiet(
        anna_is_known,
        [
            lambda store: of(store).score(ANNA, known(ANNA, deal)),
            lambda store: of(store).erase(ANNA),
        ],
        erased,
    )


def test_a_first_scorer_and_an_erasure_leave_nothing():
    assert_as_quiet(
        nothing,
        [
            lambda store: of(store).score(ANNA, known(ANNA, visit(ANNA, NOON - DAY))),
            lambda store: of(store).erase(ANNA),
        ],
        erased,
    )


def test_a_merge_and_an_erasure_of_the_survivor_leave_nothing():
    def look(store):
        return {ref: one for ref, one in bodies(store).items() if one}, [
            facts_of(store, ref) for ref in (ANNA, ANN)
        ]

    assert_as_quiet(both_are_known, [merge, lambda store: of(store).erase(ANNA)], look)


def test_without_a_stub_facts_are_stranded():
    """The way that the protocol replaces, to see that the search would find its fault."""

    def careless_merge(store):
        moved = [replace(fact, subject=ANNA) for fact in store.load(ANN).facts]
        of(store).score(ANNA, [fact for fact in moved if fact.type == "activity"])

    world = World(
        both_are_known,
        [careless_merge, lambda store: of(store).score(ANN, [visit(ANN, NOON - 5 * DAY)])],
        lambda store: len(facts_of(store, ANNA)),
    )
    assert len(set(outcomes(world))) > 1


def with_a_crm(store):
    """Anna's first score waits to be written."""
    store.crm, store.rings = FakeCrm(), []
    store.crm.put(ANNA)
    rung(store, of(store).score(ANNA, known(ANNA, visit(ANNA, NOON - DAY))))


def rung(store, ref):
    if ref:
        store.rings.append(ref)


def write(store):
    """As a queue delivers: the second time it says so."""
    turnstile = getattr(store, "turnstile", None)
    crm = SteppingCrm(store.crm, turnstile) if turnstile else store.crm
    services = replace(
        INSTALLATION.services,
        store=store,
        load_connector=lambda _: toy.connector(crm),
        clients={},
    )
    (body,) = refs_messages(CONNECTION, [ANNA])
    message = Envelope("1", "receipt", getattr(store, "life", 1), body)
    assert write_back([message], services, NOON + DAY) == ()


class SteppingCrm:
    """Of which every call is a step, as of the store."""

    write_batch = 100

    def __init__(self, crm, turnstile):
        self.write, self.shown = stepping(turnstile, crm.write), stepping(turnstile, crm.shown)


def score_a_deal(store):
    deal = won_deal(ANNA, "9", NOON - DAY, 500)
    rung(store, of(store).score(ANNA, known(ANNA, deal, now=NOON)))


def what_the_rep_saw(store):
    """After all that rang is written: the record, and every value that it ever showed twice."""
    while store.rings:
        store.rings.pop()
        write(store)
    card = store.load(ANNA).card
    assert not card.pending
    values = [(name, value) for _, name, value in store.crm.entries]
    last = {}
    repeated = []
    for name, value in values:
        repeated += [name] if last.get(name, ...) == value else []
        last[name] = value
    fields = store.crm.fields[ANNA]
    shown = {name: value for name, value in fields.items() if value not in (None, (), "")}
    return shown, repeated


def test_a_scorer_and_a_writer_end_with_the_newest_values_each_written_once():
    assert_as_quiet(with_a_crm, [score_a_deal, write], what_the_rep_saw)


def test_what_was_scored_away_again_meanwhile_does_not_stay_on_the_record():
    """The writer writes a deal that is lost again before the write is marked."""

    def lose_the_deal(store):
        gone = replace(known(ANNA, visit(ANNA, NOON - DAY))[1], occurred_at=NOON + DAY)
        rung(store, of(store, now=NOON + DAY).score(ANNA, [gone]))

    def prepare(store):
        with_a_crm(store)
        store.rings.clear()
        write(store)
        score_a_deal(store)

    assert_as_quiet(prepare, [lose_the_deal, write], what_the_rep_saw)


ACME = Ref(CONNECTION, "account", "70")


def roll_up():
    """Live settings under which people owe their score to their company."""
    page = json.loads(json.dumps(LIVE.policy))
    page["lead"]["groups"].append({"id": "people", "model": "roll_up"})
    return replace(LIVE, policy=page)


def in_company(store, reason=Reason.READ, now=NOON):
    return scorer(roll_up(), store, now, reason, ring=unheard)


def at_work(ref, *facts, company=ACME, now=NOON):
    accounts = [company.id] if company else []
    record, linked, *others = known(ref, *facts, now=now)
    return (record, replace(linked, data={**linked.data, "account": accounts}), *others)


def owe_and_deliver(store, company=ACME, now=NOON):
    """As process does it: the second half is what a message of its own leads to."""
    score = in_company(store, now=now)
    score.score(ANNA, at_work(ANNA, visit(ANNA, NOON - DAY), company=company, now=now))
    deliver(store, [ANNA], now)


def deliver(store, debtors, now=NOON):
    rounds = delivery(debtors, in_company(store, Reason.DELIVER, now))
    for _, pay in rounds.steps():
        pay()
    rounds.settle()


def what_the_company_knows(store):
    """After sweep has repaired whatever a death has left undone."""
    for ref in sorted(store.subjects):
        card = store.load(ref).card
        if card.owing or (card.stub and card.due_at):
            in_company(store, Reason.SWEEP, NOON + DAY).score(ref)
            deliver(store, [ref], NOON + DAY)
    debts = [store.load(ref).card.debts for ref in (ANNA, ANN)]
    assert not any(one.owed for one in debts)
    told = [fact for fact in store.load(ACME).facts if fact.type == "score"]
    return sorted(str(fact.data) for fact in told if fact.data)


def test_what_is_owed_arrives_though_its_bearer_dies():
    assert_as_quiet(
        nothing,
        [owe_and_deliver, lambda store: in_company(store).score(ACME)],
        what_the_company_knows,
    )


def test_two_who_bring_the_same_bring_it_once():
    assert_as_quiet(nothing, [owe_and_deliver, owe_and_deliver], what_the_company_knows)


def test_what_is_owed_and_an_erasure_leave_nothing_at_the_company():
    assert_as_quiet(
        owe_and_deliver,
        [
            lambda store: deliver(store, [ANNA]),
            lambda store: in_company(store, now=NOON + DAY).erase(ANNA),
        ],
        what_the_company_knows,
    )


def test_a_first_due_and_an_erasure_leave_nothing_at_the_company():
    def erase(store):
        in_company(store, now=NOON + DAY).erase(ANNA)

    def look(store):
        left = what_the_company_knows(store)
        assert left == []
        return left

    assert_as_quiet(nothing, [owe_and_deliver, erase], look)


def test_who_leaves_the_company_is_not_brought_back_by_an_older_message():
    assert_as_quiet(
        owe_and_deliver,
        [
            lambda store: deliver(store, [ANNA]),
            lambda store: owe_and_deliver(store, company=None, now=NOON + DAY),
        ],
        what_the_company_knows,
    )
