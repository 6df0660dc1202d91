"""Events and the contacts they are about, in every order that their requests can take.

Also with the death of one of them before any of its requests, and its message delivered again.
"""

from dataclasses import replace

from chalicelib.core.errors import Conflict
from chalicelib.events.validation import checked
from chalicelib.pipeline.messages import Envelope, events_messages
from chalicelib.pipeline.take_events import take_events
from tests.fakes.clock import NOON
from tests.fakes.events import order
from tests.fakes.queue import InMemoryQueue
from tests.fakes.store import InMemorySubjectStore
from tests.pipeline.conftest import CONNECTION, Installation
from tests.pipeline.test_interleavings import (
    ANN,
    ANNA,
    DAY,
    World,
    every_outcome,
    known,
    of,
)

SERVICES = Installation().services
MAIL = "anna@acme.example"


def appears(ref, email=MAIL):
    """What a reading of the CRM makes of somebody."""

    def act(store):
        record, *others = known(ref)
        with_mail = replace(record, data={**record.data, "email": email})
        again(lambda: of(store).score(ref, (with_mail, *others)))

    return act


def again(step):
    """As the queue does it with who lost all races."""
    while True:
        try:
            return step()
        except Conflict:
            continue


def told_of(**who):
    """What process makes of an event, until its message is done."""
    item = checked({**order(1), "who": who or {"email": MAIL}}, CONNECTION, NOON)

    def act(store):
        intake = InMemoryQueue()
        services = replace(SERVICES, store=store, intake=intake, write_back=InMemoryQueue())
        messages = events_messages("01", CONNECTION, [item], NOON)
        while messages:
            assert not take_events([Envelope("1", "r", 1, messages[0])], services, NOON)
            intake.elapse()
            messages = intake.take()
        assert not services.settings.parked(CONNECTION)

    return act


def bought(store, *refs):
    """Who has the order, and how often it waits."""
    has = [str(ref) for ref in refs for fact in store.load(ref).facts if fact.id == "e1"]
    return has, sum(len(one.rows) for one in store.known.values())


def every_order(prepare, actors, look):
    """Of both as the one that dies; returns all that was found."""
    found = set()
    for turn in (actors, actors[::-1]):
        dying = World(prepare, turn, look, paged=False)
        found |= {repr(end) for end in every_outcome(dying)}
        assert dying.deaths > 3
    return found


def nothing(_store):
    pass


def test_an_event_and_the_contact_it_is_about_do_not_miss_each_other():
    for who in ({}, {"id": "1"}):
        ends = every_order(
            nothing, [told_of(**who), appears(ANNA)], lambda store: bought(store, ANNA)
        )
        assert ends == {repr(([str(ANNA)], 0))}


def test_an_event_and_an_address_that_is_entered_late_do_not_miss_each_other():
    ends = every_order(
        appears(ANNA, ""), [told_of(), appears(ANNA)], lambda store: bought(store, ANNA)
    )
    assert ends == {repr(([str(ANNA)], 0))}


def test_of_two_who_appear_with_one_address_one_takes_what_waits():
    def look(store):
        has, waiting = bought(store, ANNA, ANN)
        owners = {ref for who in store.known.values() for ref in who.owners}
        return len(has), waiting, len(owners)

    ends = every_order(told_of(), [appears(ANNA), appears(ANN)], look)
    assert ends == {repr((1, 0, 2))}


def test_an_event_and_a_merge_end_with_the_survivor():
    def both(store):
        appears(ANNA)(store)
        appears(ANN, "ann@acme.example")(store)

    def merge(store):
        again(lambda: of(store, now=NOON + DAY).merge(ANNA, ANN))

    ends = every_order(both, [told_of(), merge], lambda store: bought(store, ANNA, ANN))
    assert ends == {repr(([str(ANN)], 0))}


def test_an_event_does_not_survive_an_erasure_but_as_what_waits_for_nobody():
    def erase(store):
        again(lambda: of(store, now=NOON + DAY).erase(ANNA))

    def look(store):
        return sorted(map(str, store.subjects)), bought(store, ANNA)[0]

    for who in ({}, {"id": "1"}):
        ends = every_order(appears(ANNA), [told_of(**who), erase], look)
        assert ends == {repr(([], []))}


def test_the_search_finds_what_would_be_missed_without_the_condition(monkeypatch):
    """Whoever claims without looking at what waits leaves it lying."""
    monkeypatch.setattr(InMemorySubjectStore, "_check_claims", lambda *_: None)
    ends = every_order(nothing, [told_of(), appears(ANNA)], lambda store: bought(store, ANNA))
    assert repr(([], 0)) in ends or repr(([], 1)) in ends
