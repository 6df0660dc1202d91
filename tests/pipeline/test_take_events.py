"""Events on their way to the person they are about, on fakes."""

import json
from dataclasses import replace

import pytest

from chalicelib.core.errors import Parked, Retryable
from chalicelib.core.facts import FactSet
from chalicelib.core.identity import ROWS_AT_ONCE
from chalicelib.core.model import Ref
from chalicelib.events.validation import checked
from chalicelib.pipeline.erase import erase
from chalicelib.pipeline.messages import events_messages
from chalicelib.pipeline.park import replay
from tests.fakes.events import item, order
from tests.pipeline.conftest import CONNECTION, Installation, envelope

MAIL = {"email": "anna@acme.example"}


@pytest.fixture
def shop():
    """Contacts have an e-mail address and a telephone number."""
    return Installation()


def person(shop, number, email="", phone=""):
    """Somebody in the CRM, who is read when they ring."""
    ref = shop.contact(number)
    record, *others = shop.crm.facts[ref]
    data = {**record.data, "email": email, "phone": phone}
    shop.crm.facts[ref] = (replace(record, data=data), *others)
    return ref


def ring(shop, ref):
    shop.deliver(f"contact:{ref.id}")
    shop.run()


def tell(shop, *items):
    plain = [checked(one, CONNECTION, shop.clock.now()) for one in items]
    shop.intake.send(events_messages("01", CONNECTION, plain, shop.clock.now()))
    shop.run()


def told(shop, ref):
    return sorted(fact.id for fact in shop.store.load(ref).facts if fact.id.startswith("e"))


@pytest.mark.parametrize(
    "who",
    [
        MAIL,
        {"email": "Anna@ACME.example"},
        {"phone": "۰۹۱۲ ۳۴۵ ۶۷۸۹"},
        {"phone": "+98 912 345 6789"},
        {"id": "1"},
        {"id": f"{CONNECTION}:contact:1"},
        {"id": "0001"},
        {"id": f"{CONNECTION}:contact:01"},
    ],
)
def test_an_event_reaches_whom_it_names(shop, who):
    anna = person(shop, 1, MAIL["email"], "0912 345 6789")
    ring(shop, anna)
    tell(shop, {**order(1), "who": who})
    assert told(shop, anna) == ["e1"]
    assert shop.card(anna).body["customer"] is not None
    assert shop.writes()[-1].ref == anna


def test_the_crm_is_not_asked_for_an_event(shop):
    anna = person(shop, 1, MAIL["email"])
    ring(shop, anna)
    asked = len(shop.crm.called("fetch"))
    tell(shop, order(1))
    assert len(shop.crm.called("fetch")) == asked


def test_an_event_that_comes_twice_counts_once(shop):
    anna = person(shop, 1, MAIL["email"])
    ring(shop, anna)
    tell(shop, order(1))
    version = shop.card(anna).version
    tell(shop, order(1))
    assert shop.card(anna).version == version


@pytest.mark.parametrize("who", [MAIL, {"phone": "09123456789"}, {"id": "1"}, {"id": "001"}])
def test_what_is_told_before_somebody_is_known_waits_and_moves_in(shop, who):
    tell(shop, {**order(1), "who": who}, {**item(2), "who": who})
    assert shop.store.subjects == {}
    anna = person(shop, 1, MAIL["email"], "+989123456789")
    ring(shop, anna)
    assert told(shop, anna) == ["e1", "e2"]
    assert shop.card(anna).version == 1, "with the first card, in its transaction"
    assert all(not one.rows for one in shop.store.known.values())


def test_nothing_that_waits_holds_an_address(shop):
    tell(shop, order(1))
    assert "acme" not in repr(shop.store.known)


def test_an_address_that_somebody_gets_later_brings_along_what_waits(shop):
    anna = person(shop, 1)
    ring(shop, anna)
    tell(shop, order(1))
    shop.edit(anna, email=MAIL["email"])
    ring(shop, anna)
    assert told(shop, anna) == ["e1"]


def test_who_has_given_an_address_up_is_not_found_by_it(shop):
    anna = person(shop, 1, MAIL["email"])
    ring(shop, anna)
    shop.edit(anna, email="anna@home.example")
    ring(shop, anna)
    tell(shop, order(1), order(2, who={"email": "anna@home.example"}))
    assert told(shop, anna) == ["e2"]


def test_of_two_with_one_address_it_is_always_the_older(shop):
    both = [person(shop, number, MAIL["email"]) for number in (10, 9)]
    for one in both:
        ring(shop, one)
    tell(shop, order(1))
    assert [told(shop, one) for one in both] == [[], ["e1"]]


def test_what_waits_moves_in_with_the_first_of_two_and_never_with_both(shop):
    tell(shop, order(1))
    both = [person(shop, number, MAIL["email"]) for number in (1, 2)]
    shop.deliver(*(f"contact:{one.id}" for one in both))
    shop.run()
    assert sorted(told(shop, one) for one in both) == [[], ["e1"]]


def test_a_long_queue_moves_in_whole(shop):
    count = ROWS_AT_ONCE * 2 + 3
    tell(shop, *(item(number) for number in range(count)))
    anna = person(shop, 1, MAIL["email"])
    ring(shop, anna)
    assert len(told(shop, anna)) == count


def test_after_a_merge_the_lost_address_leads_to_the_survivor(shop):
    anna, ann = person(shop, 1, MAIL["email"]), person(shop, 2, "ann@acme.example")
    for one in (anna, ann):
        ring(shop, one)
    tell(shop, order(1))
    shop.crm.merge(anna, ann)
    shop.clock.advance(seconds=1)
    shop.deliver("contact:1", what="merged", into="contact:2", at=shop.clock.now())
    shop.run()
    tell(shop, order(2))
    assert told(shop, ann) == ["e1", "e2"]


def test_events_of_somebody_who_was_erased_bring_nobody_back(shop):
    anna = person(shop, 1, MAIL["email"])
    ring(shop, anna)
    erase(anna, shop.services, shop.clock.now())
    tell(shop, order(1), order(2, who={"id": "1"}))
    assert anna not in shop.store.subjects
    assert shop.store.known.keys() == {(CONNECTION, *_waiting(shop))}


def _waiting(shop):
    return [identity for (_, identity), who in shop.store.known.items() if who.rows]


def test_what_is_told_of_somebody_in_the_bin_counts_when_they_are_restored(shop):
    anna = person(shop, 1, MAIL["email"])
    ring(shop, anna)
    shop.crm.delete(anna)
    shop.clock.advance(seconds=1)
    shop.deliver("contact:1", what="deleted", at=shop.clock.now())
    shop.run()
    tell(shop, order(1))
    assert shop.card(anna).hidden
    assert told(shop, anna) == ["e1"]


def test_an_event_that_cannot_be_read_is_parked_alone(shop):
    anna = person(shop, 1, MAIL["email"])
    ring(shop, anna)
    tell(shop, order(1), order(2, who={"phone": "00000"}))
    assert told(shop, anna) == ["e1"]
    (parked,) = shop.settings.parked(CONNECTION)
    assert "phone" in parked.reason
    assert [one["id"] for one in parked.message["events"]] == ["e2"]


def test_what_the_store_will_never_take_is_parked_without_an_address_and_can_be_replayed(shop):
    anna = person(shop, 1, MAIL["email"])
    ring(shop, anna)
    shop.store.fail_next_save(Parked("too large"))
    tell(shop, order(1))
    (parked,) = shop.settings.parked(CONNECTION)
    assert "acme" not in json.dumps(parked.message)
    assert parked.reason == "too large"
    replay(CONNECTION, shop.services)
    shop.run()
    assert told(shop, anna) == ["e1"]
    assert shop.settings.parked(CONNECTION) == ()


def test_parked_events_of_a_person_go_with_them(shop):
    anna, ben = person(shop, 1, MAIL["email"]), person(shop, 2, "ben@acme.example")
    for one in (anna, ben):
        ring(shop, one)
    for event in (order(1), order(2, who={"email": "ben@acme.example"}), order(3, who={"id": "1"})):
        shop.store.fail_next_save(Parked("too large"))
        tell(shop, event)
    erase(anna, shop.services, shop.clock.now())
    assert [one.message["events"][0]["id"] for one in shop.settings.parked(CONNECTION)] == ["e2"]


def test_parked_events_of_a_person_go_with_them_however_their_id_is_spelled(shop):
    anna, ben = person(shop, 1), person(shop, 12)
    for one in (anna, ben):
        ring(shop, one)
    for event in (order(1, who={"id": "001"}), order(2, who={"id": "0012"})):
        shop.store.fail_next_save(Parked("too large"))
        tell(shop, event)
    erase(anna, shop.services, shop.clock.now())
    assert [one.message["events"][0]["id"] for one in shop.settings.parked(CONNECTION)] == ["e2"]


def test_deals_that_an_order_or_a_refund_names_are_known_however_they_are_spelled(shop):
    anna = shop.contact(1, deals=[(shop.clock.now(), 70), (shop.clock.now(), 30)])
    ring(shop, anna)
    seventy, ten = ({"amount": {"amount": n, "currency": "USD"}} for n in (7_000, 1_000))
    first, second = sorted(fact.id for fact in shop.store.load(anna).facts if fact.type == "deal")
    tell(
        shop,
        item(1, "order.placed", {"id": "1"}, data=seventy | {"deal": f"00{first}"}),
        item(2, "order.refunded", {"id": "1"}, data=ten | {"purchase": f"deal:00{second}"}),
    )
    sums = [one.amount.amount for one in FactSet.of(shop.store.load(anna).facts).purchases()]
    assert sorted(sums) == [2_000, 7_000]


def test_what_is_told_of_a_deal_elsewhere_stays_as_it_is(shop):
    anna = person(shop, 1)
    ring(shop, anna)
    tell(shop, item(1, "x.visited", {"id": "1"}, data={"deal": "007"}))
    (visit,) = [one for one in shop.store.load(anna).facts if one.id == "e1"]
    assert visit.data["deal"] == "007"


def test_what_fails_for_one_person_comes_back_without_the_others(shop):
    anna, ben = person(shop, 1, MAIL["email"]), person(shop, 2, "ben@acme.example")
    for one in (anna, ben):
        ring(shop, one)
    shop.store.fail_next_save(Retryable("busy"))
    tell(shop, order(1), order(2, who={"email": "ben@acme.example"}))
    assert (told(shop, anna), told(shop, ben)) == ([], ["e2"])
    shop.intake.elapse()
    (message,) = shop.intake.messages
    assert [one["id"] for one in message["events"]] == ["e1"]
    shop.run()
    assert told(shop, anna) == ["e1"]


def test_a_message_that_keeps_failing_is_taken_apart(shop):
    tell(shop)
    events = [checked(order(number), CONNECTION, shop.clock.now()) for number in range(3)]
    (message,) = events_messages("01", CONNECTION, events, shop.clock.now())
    from chalicelib.pipeline.process import process

    assert process([envelope(message, receives=3)], shop.services, shop.clock.now()) == ()
    assert [len(one["events"]) for one in shop.intake.messages] == [1, 1, 1]


def test_events_and_deliveries_share_a_batch(shop):
    anna = person(shop, 1, MAIL["email"])
    shop.deliver("contact:1")
    tell(shop, order(1))
    assert told(shop, anna) == ["e1"]


def test_an_account_is_told_of_by_its_ref_and_never_by_its_telephone(shop):
    account = Ref(CONNECTION, "account", "70")
    tell(shop, order(1, who={"id": str(account)}))
    assert account not in shop.store.subjects
