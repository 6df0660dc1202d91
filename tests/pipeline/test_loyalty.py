"""Points, tiers and missions of stored customers: what facts, time, policies and merges do to them."""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from chalicelib.core.facts import Fact, iso
from chalicelib.core.model import Ref
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.entries import Entry
from chalicelib.pipeline.messages import Reason
from chalicelib.pipeline.scorer import scorer
from chalicelib.policy import validate, version_of
from tests.fakes.bells import unheard
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, SHIPPED
from tests.pipeline.test_moves import deleted, killed, merged, rung, scored

DAY = timedelta(days=1)


def words(text):
    return {"en": text, "fa": text}


LOYALTY = {
    "earning": [
        {"id": "buy", "event": "purchase", "per_amount": {"step": 10}, "text": words("Purchase")},
        {
            "id": "visit",
            "event": "page.viewed",
            "points": 1,
            "max_per_day": 1,
            "text": words("Visit"),
        },
    ],
    "missions": [
        {"id": "two", "event": "purchase", "count": 2, "points": 20, "text": words("Two purchases")}
    ],
    "tiers": {
        "levels": [
            {"id": "bronze", "at_least": 0, "text": words("Bronze")},
            {"id": "silver", "at_least": 500, "text": words("Silver")},
            {"id": "gold", "at_least": 1000, "text": words("Gold")},
        ],
        "window": {"kind": "year", "calendar": "gregorian"},
    },
}


def publish(installation, **loyalty):
    page = yaml.safe_load(Path(SHIPPED).read_text(encoding="utf-8"))
    page |= {"loyalty": {**LOYALTY, **loyalty}} if loyalty != {"none": True} else {}
    validate(page)
    installation.settings.publish_policy(
        CONNECTION, version_of(page), page, installation.clock.now()
    )


@pytest.fixture
def shop(installation):
    """With a programme since long before anything happened."""
    installation.clock.advance(days=-400)
    publish(installation)
    installation.clock.advance(days=400)
    return installation


def card(installation, ref):
    return installation.card(ref).body["loyalty"]


def ledger(installation, ref):
    return [(row.entry["kind"], row.entry["points"]) for row in entries(installation, ref)]


def entries(installation, ref):
    return installation.store.load(ref).ledger


def told(installation, ref, kind, name, at, **data):
    """A fact that no CRM knows, such as a shop's refund."""
    fact = Fact(ref, kind, name, at, data)
    now = installation.clock.now()
    live = installation.settings.live(CONNECTION)
    return scorer(live, installation.store, now, Reason.READ, ring=unheard).score(ref, [fact])


def dollars(amount):
    return {"amount": amount * 100, "currency": "USD"}


def test_a_purchase_earns_points_and_a_tier_that_the_crm_shows(shop):
    ref = scored(shop, deals=[(NOON - DAY, 505)])
    assert card(shop, ref)["points"] == 500
    assert ledger(shop, ref) == [("earn", 500)]
    fields = shop.crm.fields[ref]
    assert (fields["tier"], fields["points"]) == ("silver", 500)
    assert "tier:silver" in fields["tags"]
    assert fields["points_expiring"] == 500
    assert fields["points_expire_at"] == card(shop, ref)["expiring"]["at"]
    assert fields["tier_valid_until"] == card(shop, ref)["valid_until"]
    assert fields["tier_progress"] == "500 points to Gold"
    assert fields["missions"] == "Two purchases: 1 of 2"


def test_the_same_news_again_grants_nothing_again(shop):
    ref = scored(shop, deals=[(NOON - DAY, 505)])
    before = entries(shop, ref)
    rung(shop, ref)
    assert entries(shop, ref) == before


def test_a_second_purchase_reaches_the_mission_and_the_next_tier(shop):
    ref = scored(shop, deals=[(NOON - DAY, 505)])
    shop.contact(1, deals=[(NOON - DAY, 505), (NOON, 505)])
    rung(shop, ref)
    assert sorted(ledger(shop, ref)) == [("earn", 20), ("earn", 500), ("earn", 500)]
    assert shop.crm.fields[ref]["tier"] == "gold"
    assert shop.crm.fields[ref]["missions"] == "Two purchases: 2 of 2"


def test_a_refund_takes_back_points_and_the_mission(shop):
    ref = scored(shop, deals=[(NOON - DAY, 505), (NOON - DAY, 100)])
    told(shop, ref, "refund", "r", NOON, purchase="deal:1-1", amount=dollars(100))
    shop.sweep()
    assert card(shop, ref)["points"] == 500
    assert ("reverse_earn", 20) in ledger(shop, ref)


def test_what_was_earned_stays_priced_by_the_policy_of_its_time(shop):
    ref = scored(shop, deals=[(NOON - DAY, 505)])
    cheap = {**LOYALTY["earning"][0], "per_amount": {"step": 1}}
    publish(shop, earning=[cheap])
    shop.clock.advance(minutes=1)
    shop.contact(1, deals=[(NOON - DAY, 505), (shop.clock.now(), 10)])
    rung(shop, ref)
    assert card(shop, ref)["points"] == 500 + 20 + 100


def test_without_a_programme_nothing_is_kept_or_shown(installation):
    ref = scored(installation, deals=[(NOON - DAY, 505)])
    assert entries(installation, ref) == ()
    assert card(installation, ref) is None
    assert "tier" not in installation.crm.fields[ref]


def test_before_there_was_a_programme_nothing_was_earned(installation):
    ref = scored(installation, deals=[(NOON - DAY, 505)])
    publish(installation)
    rung(installation, ref)
    assert card(installation, ref)["points"] == 0
    assert installation.crm.fields[ref]["tier"] == "bronze"


def test_a_programme_that_ends_is_cleared_from_the_record_and_its_ledger_stays(shop):
    ref = scored(shop, deals=[(NOON - DAY, 505)])
    publish(shop, none=True)
    rung(shop, ref)
    assert len(entries(shop, ref)) == 1
    assert shop.crm.fields[ref]["tier"] is None
    assert shop.crm.fields[ref]["points"] is None
    assert "tier:silver" not in shop.crm.fields[ref]["tags"]


def test_points_expire_when_sweep_finds_the_card_due(shop):
    ref = scored(shop, deals=[(NOON - DAY, 505)])
    dies = card(shop, ref)["expiring"]["at"]
    while iso(shop.clock.now()) < dies:
        due = shop.card(ref).due_at
        assert due is not None
        shop.clock.advance(seconds=(due - shop.clock.now()).total_seconds())
        shop.sweep()
        shop.run()
    assert iso(shop.clock.now()) == dies
    assert shop.crm.fields[ref]["points"] == 0
    assert ledger(shop, ref)[-1] == ("expire", 500)


def test_companies_are_in_no_programme(shop):
    account = Ref(CONNECTION, "account", "7")
    told(shop, account, "purchase", "o", NOON, amount=dollars(505))
    assert entries(shop, account) == ()
    assert card(shop, account) is None


def test_a_deleted_record_keeps_its_points_and_a_restore_shows_them(shop):
    ref = scored(shop, deals=[(NOON - DAY, 505)])
    deleted(shop, ref)
    assert len(entries(shop, ref)) == 1
    shop.crm.restore(ref)
    rung(shop, ref, "restored")
    assert shop.crm.fields[ref]["points"] == 500


def balance(installation, ref):
    return Book.of(Entry.from_json(row.entry) for row in entries(installation, ref)).remaining


def pair(shop):
    """Anna and Ann, who are the same, with 500 and 300 points of orders that a shop told."""
    anna, ann = scored(shop, 1), scored(shop, 2)
    told(shop, anna, "purchase", "a", NOON - DAY, amount=dollars(505))
    told(shop, ann, "purchase", "b", NOON - DAY, amount=dollars(305))
    return anna, ann


def test_a_merge_moves_the_ledger_once(shop):
    anna, ann = pair(shop)
    merged(shop, ann, anna)
    for _ in range(2):
        rung(shop, ann, "merged", into="contact:1")
    assert entries(shop, ann) == ()
    assert balance(shop, anna) == 500 + 300 + 20
    assert [kind for kind, _ in ledger(shop, anna)] == ["earn", "earn", "merge", "earn"]
    assert shop.crm.fields[anna]["points"] == 820


@pytest.mark.parametrize("dies_in", ["save", "clear"])
def test_a_worker_that_dies_in_a_merge_moves_the_ledger_once_all_the_same(shop, dies_in):
    anna, ann = pair(shop)
    merged(shop, ann, anna)
    method = getattr(shop.store, dies_in)
    setattr(shop.store, dies_in, killed)
    with pytest.raises(KeyboardInterrupt):
        rung(shop, ann, "merged", into="contact:1")
    setattr(shop.store, dies_in, method)
    shop.clock.advance(minutes=2)
    shop.sweep()
    shop.run()
    assert balance(shop, anna) == 820
    assert entries(shop, ann) == ()


def test_a_merge_that_dies_before_the_next_one_moves_each_ledger_once(shop):
    """Ann's points are Anna's already, and not yet gone from Ann, when Anna is merged herself."""
    anna, ann = pair(shop)
    merged(shop, ann, anna)
    clear, shop.store.clear = shop.store.clear, killed
    with pytest.raises(KeyboardInterrupt):
        rung(shop, ann, "merged", into="contact:1")
    shop.store.clear = clear
    new = shop.contact(3)
    shop.crm.merge(anna, new, *shop.crm.facts[new])
    rung(shop, anna, "merged", into="contact:3")
    shop.clock.advance(minutes=2)
    shop.sweep()
    shop.run()
    assert balance(shop, new) == 820
    assert entries(shop, anna) == entries(shop, ann) == ()


def test_a_merge_into_a_deleted_record_keeps_both_ledgers(shop):
    anna, ann = pair(shop)
    deleted(shop, anna)
    live = shop.settings.live(CONNECTION)
    scorer(live, shop.store, shop.clock.now(), Reason.READ, ring=unheard).merge(ann, anna)
    assert shop.card(anna).hidden
    assert balance(shop, anna) == 800


def test_an_erasure_leaves_no_entry(shop):
    anna, ann = pair(shop)
    live = shop.settings.live(CONNECTION)
    scorer(live, shop.store, shop.clock.now(), Reason.ERASE, ring=unheard).erase(ann)
    assert entries(shop, ann) == ()
    assert balance(shop, anna) == 500


def test_facts_in_any_order_and_number_end_in_the_same_card(shop):
    ref, at = Ref(CONNECTION, "contact", "9"), NOON - 30 * DAY
    facts = [
        Fact(ref, "contact", "9", at, {"job_title": "CEO"}, at),
        *(
            Fact(ref, "purchase", str(n), at + n * DAY, {"amount": dollars(95 + n)})
            for n in range(9)
        ),
        Fact(ref, "refund", "r", at + 12 * DAY, {"purchase": "4", "amount": dollars(60)}),
        *(Fact(ref, "activity", str(n), at + n * DAY, {"kind": "page.viewed"}) for n in range(5)),
    ]
    cards = []
    for seed in range(4):
        one = replace(ref, id=f"9{seed}")
        mixed = [replace(fact, subject=one) for fact in facts * 2]
        random.Random(seed).shuffle(mixed)
        for fact in mixed:
            live = shop.settings.live(CONNECTION)
            scorer(live, shop.store, NOON, Reason.READ, ring=unheard).score(one, [fact])
        cards.append(card(shop, one))
    assert cards == [cards[0]] * 4
    assert cards[0]["points"] > 0
