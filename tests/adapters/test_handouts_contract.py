"""Rewards that all customers share: what every subject store promises of stock and codes."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from chalicelib.core.errors import Conflict
from chalicelib.core.model import Ref
from chalicelib.core.stored import HandedOut, Handout
from tests.adapters.test_subject_store_contract import ANNA, BEN, entry, save

CUSTOMERS = [Ref("hubspot-main", "contact", str(number)) for number in range(1, 7)]


@pytest.fixture
def store(engine):
    return engine.subjects


def given(number=1, *, change=1, stock=None, code=None, reward="cup"):
    return Handout(entry(number).id, reward, change, stock, code)


def hand_out(store, ref, base, handout, number=1):
    store.save(replace(save(ref, base), entries=[entry(number)], handouts=[handout]))


def start(store, *refs):
    for ref in refs:
        store.save(save(ref, 0))


def test_of_a_reward_that_nobody_took_nothing_is_handed_out(store):
    assert store.handed_out("hubspot-main", "cup") == HandedOut()


def test_what_was_handed_out_is_counted_with_its_codes(store):
    start(store, ANNA, BEN)
    hand_out(store, ANNA, 1, given(code="A-1"))
    hand_out(store, BEN, 1, given(code="A-2"))
    assert store.handed_out("hubspot-main", "cup") == HandedOut(2, frozenset({"A-1", "A-2"}))
    assert store.handed_out("hubspot-other", "cup") == HandedOut()
    assert store.handed_out("hubspot-main", "cups") == HandedOut()


def test_what_is_out_of_stock_is_given_to_nobody_and_the_entry_is_not_kept(store):
    start(store, ANNA, BEN)
    hand_out(store, ANNA, 1, given(stock=1))
    with pytest.raises(Conflict):
        hand_out(store, BEN, 1, given(stock=1))
    assert store.load(BEN).ledger == ()
    assert store.load(BEN).card.version == 1
    assert store.handed_out("hubspot-main", "cup").count == 1


def test_of_a_stock_of_nothing_nothing_is_given(store):
    start(store, ANNA)
    with pytest.raises(Conflict):
        hand_out(store, ANNA, 1, given(stock=0))


def test_what_comes_back_can_be_given_again(store):
    start(store, ANNA, BEN)
    hand_out(store, ANNA, 1, given(stock=1))
    hand_out(store, ANNA, 2, given(2, change=-1, stock=1), 2)
    hand_out(store, BEN, 1, given(stock=1))
    assert store.handed_out("hubspot-main", "cup").count == 1


def test_a_code_is_given_once(store):
    start(store, ANNA, BEN)
    hand_out(store, ANNA, 1, given(code="A-1"))
    with pytest.raises(Conflict):
        hand_out(store, BEN, 1, given(code="A-1"))
    assert store.handed_out("hubspot-main", "cup") == HandedOut(1, frozenset({"A-1"}))


def test_whoever_saves_second_takes_no_reward(store):
    start(store, ANNA)
    with pytest.raises(Conflict):
        hand_out(store, ANNA, 0, given())
    assert store.handed_out("hubspot-main", "cup") == HandedOut()


def test_of_many_who_want_it_at_once_as_many_get_it_as_there_are(engine):
    start(engine.subjects, *CUSTOMERS)

    def take(ref):
        store = engine.another_worker()
        while store.handed_out("hubspot-main", "cup").count < 3:
            with suppress(Conflict):
                hand_out(store, ref, 1, given(stock=3))
                return True
        return False

    with ThreadPoolExecutor(len(CUSTOMERS)) as pool:
        assert sum(pool.map(take, CUSTOMERS)) == 3
    assert engine.subjects.handed_out("hubspot-main", "cup").count == 3


def test_a_reward_goes_with_its_entry_where_there_are_more_than_a_transaction_takes(store):
    start(store, ANNA, BEN)
    entries = [entry(number) for number in range(1, 251)]
    many = replace(save(ANNA, 1), entries=entries, handouts=[given(200, stock=1, code="A-1")])
    store.save(many)
    assert store.handed_out("hubspot-main", "cup") == HandedOut(1, frozenset({"A-1"}))
    with pytest.raises(Conflict):
        store.save(replace(many, ref=BEN))
    kept = {row.number for row in store.load(BEN).ledger}
    assert 200 not in kept
    assert kept == set(range(1, len(kept) + 1))


def test_rewards_stand_in_no_list_of_subjects(store):
    start(store, ANNA)
    hand_out(store, ANNA, 1, given(code="A-1"))
    assert [row["ref"] for row in store.population("hubspot-main")] == [str(ANNA)]
