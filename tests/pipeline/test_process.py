import random
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.core.errors import (
    Conflict,
    CredentialsInvalid,
    CrmStumbled,
    CrmUnavailable,
    OutOfService,
    Parked,
    RateLimited,
    RequestRefused,
    Retryable,
)
from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref
from chalicelib.pipeline.messages import REFS_PER_MESSAGE, Envelope, Reason, refs_messages
from chalicelib.pipeline.process import HOPELESS_AFTER, process
from chalicelib.pipeline.visit import MOST_OWNERS
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, Installation, envelope

DAY = timedelta(days=1)


def test_a_changed_contact_shows_its_score_class_tags_and_reasons(installation):
    ref = installation.contact(1, deals=[(NOON - 3 * DAY, 900)], visits=[NOON - DAY])
    installation.deliver("contact:1")
    installation.run()
    shown = installation.crm.fields[ref]
    card = installation.card(ref)
    assert shown["score"] == card.body["score"] > 0
    assert shown["class"] == card.body["customer"]["class"]
    assert f"class:{shown['class']}" in shown["tags"]
    assert shown["why"].count("·") == len(card.body["reasons"]) - 1


def test_a_delivery_of_very_many_records_is_cut_before_any_of_them_is_read(installation):
    """So many have room in one body, and no run could read them all."""
    refs = {f"{CONNECTION}:contact:{number}" for number in range(250)}
    installation.deliver(*(ref.removeprefix(f"{CONNECTION}:") for ref in refs))
    assert installation.process(receives=3) == ()
    assert installation.crm.calls == []
    waiting = [message["refs"] for message in installation.intake.messages]
    assert [len(some) for some in waiting] == [REFS_PER_MESSAGE, REFS_PER_MESSAGE, 50]
    assert {ref for some in waiting for ref in some} == refs


def test_a_deal_moves_the_score_of_its_contact(installation):
    ref = installation.contact(1)
    installation.deliver("contact:1")
    installation.run()
    assert installation.crm.fields[ref]["class"] is None
    installation.contact(1, deals=[(NOON - DAY, 500)])
    installation.crm.link(Ref(CONNECTION, "deal", "1-0"), ref)
    installation.deliver("deal:1-0")
    installation.run()
    assert installation.crm.fields[ref]["class"] is not None


def test_events_of_one_record_in_one_batch_cost_one_read(installation):
    installation.contact(1)
    for _ in range(30):
        installation.deliver("contact:1", "contact:1")
    installation.process()
    assert len(installation.crm.called("fetch")) == 1
    assert installation.store.saves == 1


def test_an_event_that_changes_nothing_writes_nothing_to_the_crm(installation):
    installation.contact(1, visits=[NOON - DAY])
    installation.deliver("contact:1")
    installation.run()
    before = len(installation.writes())
    installation.clock.advance(minutes=1)
    installation.deliver("contact:1")
    installation.process()
    assert installation.ring.messages == []
    assert len(installation.writes()) == before


def test_echoes_and_unknown_events_ring_for_nobody(installation):
    installation.contact(1)
    installation.deliver("contact:1", ours=True)
    installation.run()
    assert installation.crm.calls == []


def test_duplicates_and_shuffles_end_in_the_same_card(installation):
    rng = random.Random(7)
    other = Installation()
    for number in range(20):
        for one in (installation, other):
            one.contact(number, deals=[(NOON - number * DAY, 100 + number)], visits=[NOON - DAY])
        installation.deliver(f"contact:{number}")
    installation.run()
    storm = [f"contact:{number}" for number in range(20)] * 3
    rng.shuffle(storm)
    for ref in storm:
        other.deliver(ref)
        if rng.random() < 0.3:
            other.process()
    other.run()
    assert {ref: one.card.body for ref, one in installation.store.subjects.items()} == {
        ref: one.card.body for ref, one in other.store.subjects.items()
    }
    assert installation.crm.fields == other.crm.fields


def test_a_worker_killed_between_saving_and_ringing_is_repaired_by_sweep(installation):
    ref = installation.contact(1)
    installation.deliver("contact:1")
    installation.ring.fail_next_send(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        installation.process()
    assert installation.card(ref).pending
    assert installation.sweep() == 0
    installation.clock.advance(minutes=2)
    assert installation.sweep() == 1
    installation.run()
    assert installation.crm.fields[ref]["score"] == installation.card(ref).body["score"]
    assert not installation.card(ref).pending


def test_an_event_rings_again_for_a_card_left_unwritten(installation):
    ref = installation.contact(1)
    installation.deliver("contact:1")
    installation.process()
    installation.ring.take()
    installation.deliver("contact:1")
    installation.run()
    assert ref in installation.crm.fields


def test_a_lost_race_is_read_again(installation):
    ref = installation.contact(1)
    installation.store.fail_next_save(Conflict("somebody was faster"))
    installation.deliver("contact:1")
    installation.run()
    assert installation.store.loads == 2
    assert ref in installation.crm.fields


def test_a_subject_that_loses_every_race_brings_back_only_its_messages(installation):
    installation.contact(1)
    installation.contact(2)
    installation.deliver("contact:1")
    installation.deliver("contact:2")
    for _ in range(5):
        installation.store.fail_next_save(Conflict("somebody was faster"))
    assert installation.process() == ()
    ((_, again),) = installation.intake.delayed
    assert again["postponed"] == 1
    assert len(installation.store.subjects) == 1
    installation.intake.elapse()
    installation.run()
    assert len(installation.store.subjects) == 2


def test_a_crm_that_asks_for_patience_brings_the_messages_back_after_that(installation):
    installation.contact(1)
    installation.deliver("contact:1")
    installation.crm.fail_next("fetch", RateLimited("slow down", retry_after=9.5))
    assert installation.process() == ()
    assert [seconds for seconds, _ in installation.intake.delayed] == [10]


def test_a_crm_that_is_down_for_hours_costs_little_loses_nothing_and_is_used_soon_after(
    installation,
):
    refs = [installation.contact(number) for number in range(250)]
    installation.intake.send(refs_messages(CONNECTION, refs, Reason.READ))
    for _ in range(2 * 60 * 60 // SECONDS):
        installation.crm.fail_next("fetch", CrmUnavailable("503"))
        assert installation.process() == ()
        assert all(seconds <= 30 for seconds, _ in installation.intake.delayed)
        installation.clock.advance(seconds=SECONDS)
        installation.intake.elapse()
        assert len(installation.intake.messages) == 3
        installation.crm.forget_failures()
    probes = len(installation.crm.called("fetch"))
    assert 1 < probes <= 2 * 60 * 60 / 20 + 10
    installation.run()
    installation.intake.elapse()
    installation.clock.advance(seconds=30)
    installation.run()
    assert set(installation.crm.fields) == set(refs)
    assert installation.settings.parked(CONNECTION) == ()
    assert installation.settings.live(CONNECTION).paused_until is None


def test_an_account_whose_day_is_spent_is_left_alone_until_its_reset(installation):
    installation.contact(1)
    installation.deliver("contact:1")
    midnight = installation.clock.now() + timedelta(hours=5)
    installation.crm.fail_next("fetch", OutOfService("the day is spent", until=midnight))
    assert installation.process() == ()
    for _ in range(4):
        installation.clock.advance(hours=1)
        installation.intake.elapse()
        assert installation.process() == ()
        assert installation.sweep() == 0
    assert len(installation.crm.called("fetch")) == 1
    installation.clock.advance(hours=1)
    installation.intake.elapse()
    installation.run()
    assert len(installation.crm.called("fetch")) == 2
    assert installation.crm.fields


SECONDS = 10


def test_a_token_that_was_rotated_meanwhile_is_fetched_before_anything_is_parked(installation):
    ref = installation.contact(1)
    installation.deliver("contact:1")
    old = installation.secrets.secrets[CONNECTION]
    services = installation.services
    services.client(services.settings.live(CONNECTION))
    installation.secrets.secrets[CONNECTION] = replace(old, token="the new one")
    installation.crm.fail_next("fetch", CredentialsInvalid("401: the token is not valid"))
    services.secrets.get = stale_once(services.secrets.get, old)
    envelopes = installation._envelopes(installation.intake, 1)
    assert process(envelopes, services, installation.clock.now()) == ()
    assert installation.settings.parked(CONNECTION) == ()
    installation.intake.elapse()
    installation.run()
    assert ref in installation.crm.fields


def stale_once(get, old):
    """A cache that still holds the old secret until it is asked for a fresh one."""

    def cached(connection, *, fresh=False):
        return get(connection, fresh=True) if fresh else old

    return cached


def test_a_refused_token_parks_the_delivery_and_a_replay_scores_it(installation):
    from chalicelib.pipeline.park import replay

    ref = installation.contact(1)
    installation.deliver("contact:1")
    installation.crm.fail_next("fetch", CredentialsInvalid("401: the token is not valid"))
    assert installation.process() == ()
    (item,) = installation.settings.parked(CONNECTION)
    assert "token" in item.reason
    assert replay(CONNECTION, installation.services) == (item,)
    installation.run()
    assert ref in installation.crm.fields
    assert installation.settings.parked(CONNECTION) == ()


def test_an_unreadable_delivery_is_parked_and_its_neighbours_are_scored(installation):
    from chalicelib.pipeline.receive import receive

    ref = installation.contact(1)
    broken = installation.request(b'[{"ref": "nothing"}]')
    receive("01", CONNECTION, broken, installation.edge, NOON)
    installation.deliver("contact:1")
    installation.run()
    assert len(installation.settings.parked(CONNECTION)) == 1
    assert ref in installation.crm.fields


def test_a_record_that_is_gone_from_the_crm_is_left_alone(installation):
    installation.deliver("contact:404")
    installation.run()
    assert installation.store.subjects == {}


class GuiltyCrm:
    """Stands before a CRM and crashes the process whenever one record is read."""

    def __init__(self, crm, guilty, crash=ZeroDivisionError):
        self.crm, self.guilty, self.crash = crm, guilty, crash

    def __getattr__(self, name):
        return getattr(self.crm, name)

    def fetch(self, subjects, now, **how):
        if self.guilty in subjects:
            raise self.crash
        return self.crm.fetch(subjects, now, **how)


def test_of_a_batch_with_a_poisonous_record_only_that_one_is_parked(installation):
    innocent = [installation.contact(number) for number in range(1, 6)]
    guilty = installation.contact(6)
    installation.crm = GuiltyCrm(installation.crm, guilty)
    installation.deliver(*(f"contact:{number}" for number in range(1, 7)))
    messages = [(body, 1) for body in installation.intake.take()]
    for _ in range(12):
        envelopes = [envelope(b, receives=n, identity=str(i)) for i, (b, n) in enumerate(messages)]
        failures = process(envelopes, installation.services, installation.clock.now())
        back = [(one.envelope.body, one.envelope.receives + 1) for one in failures]
        messages = back + [(body, 1) for body in installation.intake.take()]
        installation.write()
    assert messages == []
    assert set(installation.crm.fields) == set(innocent)
    (item,) = installation.settings.parked(CONNECTION)
    assert item.message["refs"] == [str(guilty)]
    assert "ZeroDivisionError" in item.reason


def test_what_is_done_is_acknowledged_before_a_suspect_is_taken_up(installation):
    refs = [installation.contact(number) for number in range(3)]
    bodies = [refs_messages(CONNECTION, [ref], Reason.READ)[0] for ref in refs]
    envelopes = [
        Envelope(str(n), f"receipt-{n}", receives, body)
        for n, (body, receives) in enumerate(zip(bodies, (1, 2, 2), strict=True))
    ]
    installation.crm = GuiltyCrm(installation.crm, refs[2], KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        process(envelopes, installation.services, installation.clock.now())
    assert installation.intake.acknowledged == ["receipt-0", "receipt-1"]


def test_a_message_waits_longer_each_time_up_to_a_quarter_of_an_hour():
    from chalicelib.pipeline.messages import Failure

    waits = [Failure(envelope({}, receives=n)).wait_seconds for n in (1, 2, 3, 9, 20)]
    assert waits == [2, 4, 8, 512, 900]
    assert HOPELESS_AFTER < 20


def test_refs_of_another_connection_are_parked_unread(installation):
    body = {"connection": CONNECTION, "refs": ["toy-other:contact:1"], "reason": "read"}
    assert process([envelope(body)], installation.services, NOON) == ()
    assert len(installation.settings.parked(CONNECTION)) == 1
    assert installation.crm.calls == []


def test_a_sweep_scores_from_stored_facts_without_asking_the_crm(installation):
    ref = installation.contact(1, visits=[NOON - DAY, NOON])
    installation.deliver("contact:1")
    installation.run()
    asked = len(installation.crm.called("fetch"))
    due_at = installation.card(ref).due_at
    installation.clock.advance(seconds=(due_at - NOON).total_seconds())
    assert installation.sweep() == 1
    installation.run()
    assert len(installation.crm.called("fetch")) == asked
    assert installation.card(ref).due_at is None or installation.card(ref).due_at > due_at


def test_decay_reaches_the_crm_by_sweeps_alone(installation):
    ref = installation.contact(1, job="CEO", visits=[NOON - DAY, NOON - 2 * DAY, NOON])
    installation.deliver("contact:1")
    installation.run()
    first = installation.crm.fields[ref]["score"]
    for _ in range(200):
        installation.clock.advance(days=1)
        installation.sweep()
        installation.run()
    assert installation.crm.fields[ref]["score"] < first
    assert installation.card(ref).due_at is None


def test_refs_travel_a_hundred_to_a_message():
    refs = [Ref(CONNECTION, "contact", str(number)) for number in range(250)]
    messages = refs_messages(CONNECTION, refs, Reason.SWEEP)
    assert [len(message["refs"]) for message in messages] == [100, 100, 50]
    assert REFS_PER_MESSAGE == 100


def test_a_queue_that_does_not_take_the_ring_brings_the_message_back(installation):
    installation.contact(1)
    installation.deliver("contact:1")
    installation.ring.fail_next_send(Retryable("the queue is down"))
    assert installation.process() == ()
    installation.intake.elapse()
    installation.run()
    assert installation.writes()


def test_a_queue_that_is_down_altogether_leaves_the_message_where_it_was(installation):
    installation.contact(1)
    installation.deliver("contact:1")
    installation.ring.fail_next_send(Retryable("the queue is down"))
    installation.intake.fail_next_send(Retryable("this one too"))
    assert [one.envelope.id for one in installation.process()] == ["0"]


def test_an_api_that_lags_its_doorbell_is_read_again_until_it_has_caught_up(installation):
    ref = installation.contact(1, job="intern")
    installation.deliver("contact:1", at=NOON + timedelta(seconds=30))
    installation.clock.advance(seconds=40)
    installation.run()
    ((wait, again),) = installation.intake.delayed
    assert 2 <= wait <= 60
    assert again["refs"] == [str(ref)]
    installation.edit(ref, job_title="CEO")
    installation.intake.elapse()
    installation.run()
    assert installation.intake.delayed == []
    assert "Decides in the company" in installation.crm.fields[ref]["why"]


def test_a_lag_of_many_records_is_as_many_messages_as_it_takes(installation):
    people = [installation.contact(number) for number in range(150)]
    installation.deliver(*(f"contact:{ref.id}" for ref in people), at=installation.clock.now())
    installation.process()  # which cuts it
    installation.process()
    again = [message for _, message in installation.intake.delayed]
    assert [len(message["refs"]) for message in again] == [100, 50]
    assert [len(message["changed_at"]) for message in again] == [100, 50]


def test_an_api_that_never_catches_up_is_left_after_an_hour(installation):
    installation.contact(1)
    installation.deliver("contact:1", at=NOON + timedelta(seconds=1))
    looks = 0
    while installation.intake.messages and looks < 30:
        installation.process()
        looks += 1
        installation.clock.advance(seconds=sum(wait for wait, _ in installation.intake.delayed))
        installation.intake.elapse()
    assert 8 < looks < 20
    assert installation.clock.now() - NOON > timedelta(hours=1)


def test_a_company_of_hundreds_is_work_for_many_messages(installation):
    people = [installation.contact(number) for number in range(250)]
    company = Ref(CONNECTION, "account", "7")
    installation.crm.link(company, *people)
    installation.deliver("account:7")
    installation.process()
    assert installation.store.subjects == {}
    assert [len(message["refs"]) for message in installation.intake.messages] == [100, 100, 50]
    installation.run()
    assert set(installation.crm.fields) == set(people)


def test_a_card_that_keeps_failing_is_parked_as_one_item(installation):
    guilty = installation.contact(6)
    installation.crm = GuiltyCrm(installation.crm, guilty)
    body = refs_messages(CONNECTION, [guilty], Reason.READ)[0]
    for _ in range(5):
        process([envelope(body, receives=HOPELESS_AFTER + 1)], installation.services, NOON)
    assert len(installation.settings.parked(CONNECTION)) == 1


def test_what_cannot_even_be_parked_stays_in_the_queue(installation):
    guilty = installation.contact(6)
    installation.crm = GuiltyCrm(installation.crm, guilty)
    installation.settings.park = lambda _item: 1 / 0
    body = refs_messages(CONNECTION, [guilty], Reason.READ)[0]
    hopeless = envelope(body, receives=HOPELESS_AFTER + 1)
    assert len(process([hopeless], installation.services, NOON)) == 1


@pytest.mark.parametrize("text", ["hello", "[" * 100_000])
def test_a_message_that_is_no_json_is_parked_and_harms_nobody(installation, text):
    record = {
        "messageId": "1",
        "receiptHandle": "r",
        "body": text,
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    ref = installation.contact(1)
    installation.deliver("contact:1")
    good = installation._envelopes(installation.intake, 1)
    process([Envelope.from_record(record), *good], installation.services, NOON)
    installation.write()
    assert ref in installation.crm.fields
    (item,) = installation.settings.parked("unknown")  # a table takes no empty key
    assert item.message == {"unreadable": text}


def test_of_a_batch_only_the_subject_that_the_store_will_never_take_is_parked(installation):
    refs = [installation.contact(number) for number in range(5)]
    save = installation.store.save

    def saving(change):
        if change.ref == refs[2]:
            raise Parked("DynamoDB will never take this: the item is too large")
        save(change)

    installation.store.save = saving
    installation.deliver("contact:0", "contact:1", "contact:2")
    installation.deliver("contact:3", "contact:4")
    installation.run()
    assert set(installation.crm.fields) == {*refs} - {refs[2]}
    (item,) = installation.settings.parked(CONNECTION)
    assert item.message["refs"] == [str(refs[2])]
    assert "too large" in item.reason


def test_what_a_delivery_says_of_people_is_not_kept_where_it_waits_parked(installation):
    installation.contact(1)
    installation.deliver("contact:1", "contact:2")
    installation.crm.fail_next("fetch", CredentialsInvalid("401: the token is not valid"))
    installation.process()
    (item,) = installation.settings.parked(CONNECTION)
    assert item.message["refs"] == ["toy-main:contact:1", "toy-main:contact:2"]
    assert "body_b64" not in item.message


def test_a_deleted_company_rings_for_the_contacts_that_hold_facts_of_it(installation):
    ref = installation.contact(1)
    company = Ref(CONNECTION, "account", "7")
    record, links = installation.crm.facts[ref]
    at = installation.clock.now()
    linked = replace(links, data={"deal": [], "account": ["7"]})
    installation.crm.put(ref, record, linked, Fact(ref, "account", "7", at, {"size": 9}, at))
    installation.crm.link(company, ref)
    installation.deliver("account:7")
    installation.run()
    installation.crm.put(ref, record, links)
    installation.crm.link(company)
    installation.clock.advance(seconds=1)
    installation.deliver("account:7", what="deleted", at=installation.clock.now())
    installation.run()
    assert installation.store.load(ref).facts.linked("account") == frozenset()


@pytest.mark.parametrize("kind", ["account", "deal", "ticket", "line_item", "survey"])
def test_a_related_record_that_the_api_shows_late_is_looked_for_again(installation, kind):
    ref = installation.contact(1)
    record, links = installation.crm.facts[ref]
    at = installation.clock.now()
    state = Fact(ref, kind, "7", at, {"status": "open"}, at)
    installation.crm.put(ref, record, replace(links, data={"deal": [], kind: ["7"]}), state)
    installation.crm.link(Ref(CONNECTION, kind, "7"), ref)
    installation.clock.advance(seconds=1)
    installation.deliver(f"{kind}:7", at=installation.clock.now())
    installation.run()
    ((_, again),) = installation.intake.delayed
    assert again["refs"] == [f"toy-main:{kind}:7"]


def test_many_companies_of_one_batch_are_work_for_many_messages(installation):
    people = [installation.contact(number) for number in range(1_500)]
    for number in range(30):
        company = Ref(CONNECTION, "account", str(number))
        installation.crm.link(company, *people[number * 50 : number * 50 + 50])
    installation.deliver(*(f"account:{number}" for number in range(30)))
    installation.process()
    assert [len(asked) for asked in installation.crm.called("fetch")] == [MOST_OWNERS]
    assert len(installation.intake.messages) == 10


class Stumbles:
    """A CRM that fails inside, or refuses, whenever one record is among those asked for."""

    def __init__(self, crm, guilty, error):
        self.crm, self.guilty, self.error = crm, guilty, error
        self.fetch_kindly, crm.fetch = crm.fetch, self.fetch

    def fetch(self, subjects, now, *, history=False):
        if self.guilty in subjects:
            self.crm.calls.append(("fetch", tuple(subjects)))
            raise self.error
        return self.fetch_kindly(subjects, now, history=history)


@pytest.mark.parametrize("error", [CrmStumbled("answered 500"), RequestRefused("answered 400")])
def test_a_record_that_the_crm_cannot_show_is_parked_alone_and_its_neighbours_are_scored(
    installation, error
):
    refs = [installation.contact(number) for number in range(6)]
    Stumbles(installation.crm, refs[2], error)
    installation.deliver(*(f"contact:{number}" for number in range(4)))
    installation.deliver("contact:4", "contact:5")
    for _ in range(40):
        assert not installation.process()
        installation.clock.advance(minutes=15)
        installation.intake.elapse()
    (item,) = installation.settings.parked(CONNECTION)
    assert item.message["refs"] == [str(refs[2])]
    assert str(error) in item.reason
    assert installation.intake.backlog() == 0
    assert all(installation.card(ref).version for ref in refs if ref != refs[2])


def test_a_record_over_which_the_crm_stumbles_is_asked_for_less_and_less_often(installation):
    ref = installation.contact(1)
    Stumbles(installation.crm, ref, CrmStumbled("answered 500"))
    installation.deliver("contact:1")
    delays = []
    while installation.intake.messages:
        installation.process()
        delays += [seconds for seconds, _ in installation.intake.delayed]
        installation.clock.advance(minutes=15)
        installation.intake.elapse()
    assert delays == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert len(installation.settings.parked(CONNECTION)) == 1


def test_a_record_that_the_crm_shows_after_a_while_is_not_parked(installation):
    ref = installation.contact(1)
    stumbling = Stumbles(installation.crm, ref, CrmStumbled("answered 500"))
    installation.deliver("contact:1")
    for _ in range(5):
        installation.process()
        installation.clock.advance(minutes=15)
        installation.intake.elapse()
    stumbling.guilty = None
    installation.run()
    assert installation.card(ref).version
    assert installation.settings.parked(CONNECTION) == ()
