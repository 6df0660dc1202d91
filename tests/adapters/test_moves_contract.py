"""What every subject store promises of those who move out, and of records that are in doubt."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.core.errors import Conflict, SubjectErased
from chalicelib.core.facts import FactSet, iso
from chalicelib.core.model import Ref
from chalicelib.core.stored import Collection, Leaving, Setback, StoredCard, Stub
from tests.adapters.test_subject_store_contract import (
    ANNA,
    BEN,
    LATER,
    NOON,
    card,
    contact,
    deal,
    entry,
    mark,
    of_deal,
    save,
    visit,
)

CARL = Ref("hubspot-main", "contact", "3")
ACME = Ref("hubspot-main", "account", "7")
INTO_BEN = Stub(Leaving.MERGED, BEN)
ERASED = Stub(Leaving.ERASED)
EXPIRED = Stub(Leaving.EXPIRED)
STUBS = pytest.mark.parametrize("stub", [INTO_BEN, ERASED, EXPIRED], ids=lambda stub: stub.why)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(engine):
    return engine.subjects


def move_out(store, stub, ref=ANNA):
    store.retire(ref, store.load(ref).card.version, stub, NOON)
    store.clear(ref)


def is_unknown(store, ref):
    return store.load(ref) == Collection(StoredCard.unsaved(ref)) and store.cards([ref]) == ()


@STUBS
@pytest.mark.parametrize("saves", [0, 2])
def test_who_retires_is_a_stub_with_nothing_to_show_and_due_at_once(store, stub, saves):
    for base in range(saves):
        store.save(save(ANNA, base, due=LATER, change=LATER, doubt_until=LATER))
    store.retire(ANNA, saves, stub, NOON)
    unsaved = StoredCard.unsaved(ANNA)
    assert card(store) == replace(unsaved, version=saves + 1, due_at=NOON, stub=stub)
    assert not card(store).pending
    assert store.due("hubspot-main", NOON, 10) == (ANNA,)
    assert list(store.population("hubspot-main")) == []


def test_what_is_known_of_a_stub_can_be_moved(store):
    store.save(save(ANNA, 0, contact(), visit(1)))
    store.retire(ANNA, 1, INTO_BEN, NOON)
    assert list(store.load(ANNA).facts) == [visit(1), contact()]
    assert store.load(ANNA).card == card(store)


def test_the_ledger_of_a_stub_can_be_moved_and_is_cleared_with_it(store):
    entries = tuple(entry(number) for number in range(1, 131))
    store.save(replace(save(ANNA, 0, contact()), entries=entries))
    store.retire(ANNA, 1, INTO_BEN, NOON)
    assert store.load(ANNA).ledger == entries
    store.clear(ANNA)
    assert store.load(ANNA).ledger == ()


def test_who_retires_another_version_is_told_and_changes_nothing(store):
    store.save(save(ANNA, 0, contact()))
    before = store.load(ANNA)
    for version in (0, 2):
        with pytest.raises(Conflict):
            store.retire(ANNA, version, ERASED, NOON)
    with pytest.raises(Conflict):
        store.retire(BEN, 1, ERASED, NOON)
    assert store.load(ANNA) == before
    assert is_unknown(store, BEN)


@STUBS
@pytest.mark.parametrize("facts", [1, 150])
def test_no_save_of_a_stub_succeeds(store, stub, facts):
    store.save(save(ANNA, 0, contact()))
    store.retire(ANNA, 1, stub, NOON)
    visits = [visit(number) for number in range(facts)]
    for version in (0, 1, 2, 3):
        with pytest.raises(Conflict):
            store.save(save(ANNA, version, *visits))
    assert list(store.load(ANNA).facts) == [contact()]
    assert card(store).stub == stub


@STUBS
def test_marks_and_doubts_pass_a_stub_over(store, stub):
    for ref in (ANNA, CARL):
        store.save(save(ref))
    store.retire(ANNA, 1, stub, NOON)
    before = card(store)
    store.mark_written([mark(1), mark(2), mark(1, CARL)])
    store.doubt([ANNA, CARL], LATER)
    assert card(store) == before
    assert card(store, CARL).doubt_until == LATER
    assert card(store, CARL).written_version == 1


@STUBS
@pytest.mark.parametrize("earlier", [INTO_BEN, ERASED], ids=lambda stub: stub.why)
def test_an_alias_and_an_erasure_are_final(store, earlier, stub):
    store.retire(ANNA, 0, earlier, NOON)
    with pytest.raises(Conflict):
        store.retire(ANNA, 1, stub, LATER)
    assert card(store).stub == earlier


@STUBS
def test_who_expires_may_still_be_merged_or_erased(store, stub):
    store.retire(ANNA, 0, EXPIRED, NOON)
    store.retire(ANNA, 1, stub, LATER)
    assert (card(store).stub, card(store).version, card(store).due_at) == (stub, 2, LATER)


def test_nobody_merges_into_who_is_moving_out(store):
    store.retire(BEN, 0, Stub(Leaving.MERGED, CARL), NOON)
    with pytest.raises(Conflict):
        store.retire(ANNA, 0, INTO_BEN, NOON)
    with pytest.raises(Conflict):
        store.retire(CARL, 0, INTO_BEN, NOON)
    assert is_unknown(store, ANNA)


def test_nobody_merges_into_who_is_being_forgotten(store):
    store.retire(BEN, 0, ERASED, NOON)
    for _ in range(2):
        with pytest.raises(SubjectErased):
            store.retire(ANNA, 0, INTO_BEN, NOON)
        store.clear(BEN)
    assert is_unknown(store, ANNA)
    assert is_unknown(store, BEN)


def test_a_survivor_knows_who_was_merged_into_it_from_the_stub_on(store):
    store.save(save(BEN, 0, contact(BEN)))
    store.save(save(ANNA, 0, contact()))
    store.retire(ANNA, 1, INTO_BEN, NOON)
    assert store.load(BEN).aliases == (ANNA,)
    store.clear(ANNA)
    assert store.load(BEN).aliases == (ANNA,)
    assert store.load(BEN).facts.record()


def test_a_merged_subject_stays_as_an_alias(store):
    store.save(save(ANNA, 0, contact(), deal(1), visit(1), related=[of_deal(1)]))
    move_out(store, INTO_BEN)
    alias = replace(StoredCard.unsaved(ANNA), version=2, stub=INTO_BEN)
    assert store.load(ANNA) == Collection(alias)
    assert store.history(ANNA, 10) == ()
    assert store.holders(of_deal(1)) == ()
    assert store.due("hubspot-main", LATER, 10) == ()
    assert list(store.population("hubspot-main")) == []
    with pytest.raises(Conflict):
        store.save(save(ANNA, 2))


@pytest.mark.parametrize("facts", [1, 150])
def test_an_erased_subject_never_comes_back(store, facts):
    store.save(save(ANNA, 0, contact(), deal(1), related=[of_deal(1)]))
    move_out(store, ERASED)
    with pytest.raises(SubjectErased):
        store.save(save(ANNA, 0, *(visit(number) for number in range(facts))))
    for stub in (INTO_BEN, ERASED, EXPIRED):
        with pytest.raises(SubjectErased):
            store.retire(ANNA, 0, stub, NOON)
    assert is_unknown(store, ANNA)
    assert store.history(ANNA, 10) == ()
    assert store.holders(of_deal(1)) == ()
    assert store.due("hubspot-main", LATER, 10) == ()


def test_a_tombstone_is_one_persons(store):
    move_out(store, ERASED)
    for ref in (BEN, replace(ANNA, connection="hubspot-second"), replace(ANNA, kind="lead")):
        store.save(save(ref))
        assert card(store, ref).version == 1


def test_somebody_who_was_never_known_can_be_forgotten_too(store):
    move_out(store, ERASED)
    with pytest.raises(SubjectErased):
        store.save(save())


def test_an_expired_subject_leaves_nothing_and_may_begin_anew(store):
    store.save(save(ANNA, 0, contact(), deal(1), related=[of_deal(1)]))
    move_out(store, EXPIRED)
    assert is_unknown(store, ANNA)
    assert store.history(ANNA, 10) == ()
    assert store.holders(of_deal(1)) == ()
    store.save(save(ANNA, 0, visit(1)))
    assert list(store.load(ANNA).facts) == [visit(1)]
    assert card(store).version == 1


def test_an_erasure_takes_the_aliases_of_the_person_along(store):
    store.save(save(CARL, 0, contact(CARL)))
    move_out(store, Stub(Leaving.MERGED, ANNA), CARL)
    move_out(store, INTO_BEN, ANNA)
    move_out(store, ERASED, BEN)
    for ref in (ANNA, BEN, CARL):
        assert is_unknown(store, ref)
        with pytest.raises(SubjectErased):
            store.save(save(ref))


def test_an_erasure_takes_along_what_had_not_been_moved_yet(store):
    store.save(save(ANNA, 0, contact(), deal(1), related=[of_deal(1)]))
    store.retire(ANNA, 1, INTO_BEN, NOON)
    move_out(store, ERASED, BEN)
    assert is_unknown(store, ANNA)
    assert store.holders(of_deal(1)) == ()


@pytest.mark.parametrize("stub", [Stub(Leaving.MERGED, CARL), EXPIRED], ids=lambda stub: stub.why)
def test_aliases_outlive_a_survivor_that_nobody_erased(store, stub):
    move_out(store, INTO_BEN, ANNA)
    move_out(store, stub, BEN)
    assert card(store).stub == INTO_BEN


def test_clearing_the_living_or_nobody_changes_nothing(store):
    store.save(save(ANNA, 0, contact(), visit(1)))
    before = store.load(ANNA)
    store.clear(ANNA)
    store.clear(BEN)
    assert store.load(ANNA) == before
    assert len(store.history(ANNA, 10)) == 1
    assert is_unknown(store, BEN)


@STUBS
def test_clearing_twice_is_like_clearing_once(store, stub):
    store.save(save(ANNA, 0, contact()))
    move_out(store, stub)
    once = store.load(ANNA)
    store.clear(ANNA)
    assert store.load(ANNA) == once


@STUBS
def test_a_large_collection_is_cleared_too(store, stub):
    deals = [deal(number) for number in range(120)]
    visits = [visit(number) for number in range(120)]
    related = [of_deal(number) for number in range(120)]
    store.save(save(ANNA, 0, *deals, *visits, related=related))
    for base in range(1, 31):
        store.save(save(ANNA, base))
    move_out(store, stub)
    assert len(store.load(ANNA).facts) == 0
    assert store.history(ANNA, 100) == ()
    assert not any(store.holders(one) for one in related)


def test_the_holders_of_a_deal_are_all_who_ever_held_facts_of_it(store):
    for ref in (BEN, ANNA):
        store.save(save(ref, 0, deal(1, ref), related=[of_deal(1)]))
    store.save(save(ANNA, 1, deal(1, at=LATER), deal(2), related=[of_deal(2)]))
    assert store.holders(of_deal(1)) == (ANNA, BEN)
    assert store.holders(of_deal(2)) == (ANNA,)
    assert store.holders(of_deal(3)) == ()
    assert store.load(of_deal(1)) == Collection(StoredCard.unsaved(of_deal(1)))


def test_a_company_may_be_scored_and_be_told_of_by_others(store):
    company = replace(contact(ACME), type="account")
    told = replace(company, subject=ANNA)
    store.save(save(ANNA, 0, told, related=[ACME]))
    store.save(save(ACME, 0, company, visit(1, ACME)))
    assert list(store.load(ACME).facts) == [visit(1, ACME), company]
    assert store.holders(ACME) == (ANNA,)
    assert store.history(ACME, 10) == ({"score": 40},)


@pytest.mark.parametrize("number", [48, 49, 50, 97, 98, 99, 150])
@pytest.mark.parametrize("known", [False, True])
def test_a_save_may_bring_more_links_than_a_transaction_takes(store, number, known):
    if known:
        store.save(save(ANNA, 0, contact()))
    deals = [deal(each) for each in range(number)]
    related = [of_deal(each) for each in range(number)]
    store.save(save(ANNA, int(known), *deals, related=related))
    assert store.load(ANNA).facts.deals() == FactSet.of(deals).deals()
    assert all(store.holders(one) == (ANNA,) for one in related)


def test_a_save_that_comes_second_links_nothing(store):
    store.save(save(ANNA, 0, contact()))
    with pytest.raises(Conflict):
        store.save(save(ANNA, 0, deal(1), related=[of_deal(1)]))
    assert store.holders(of_deal(1)) == ()


def test_who_is_in_doubt_is_pending_and_due_when_that_ends(store):
    store.save(save(due=NOON))
    store.mark_written([mark(1, change=NOON)])
    before = card(store)
    store.doubt([ANNA], LATER)
    assert card(store) == replace(before, version=2, doubt_until=LATER, due_at=LATER)
    assert card(store).pending


def test_a_doubt_is_prolonged_and_never_shortened(store):
    store.save(save())
    for minutes, longest in ((5, 5), (3, 5), (8, 8), (8, 8)):
        store.doubt([ANNA], NOON + minutes * MINUTE)
        assert card(store).doubt_until == card(store).due_at == NOON + longest * MINUTE
    assert card(store).version == 5


def test_of_many_in_doubt_each_has_its_own_end(store):
    refs = [Ref("hubspot-main", "contact", str(number)) for number in range(60)]
    for number, ref in enumerate(refs[:50]):
        longer = LATER + MINUTE if number % 20 == 7 else None
        store.save(save(ref, doubt_until=longer))
    store.retire(refs[3], 1, EXPIRED, NOON)
    store.doubt([*refs, *refs], LATER)
    found = {one.ref: one for one in store.cards(refs)}
    for number, ref in enumerate(refs[:50]):
        if number != 3:
            longest = LATER + MINUTE if number % 20 == 7 else LATER
            assert (found[ref].version, found[ref].doubt_until) == (2, longest)
    assert found[refs[3]].stub == EXPIRED
    assert len(found) == 50


def test_doubting_nobody_is_allowed(store):
    store.doubt([], LATER)


def test_whoever_read_the_card_before_the_doubt_loses(store):
    store.save(save())
    store.doubt([ANNA], LATER)
    in_doubt = card(store)
    with pytest.raises(Conflict):
        store.save(save(ANNA, 1))
    with pytest.raises(Conflict):
        store.retire(ANNA, 1, ERASED, NOON)
    store.mark_written([mark(1, score=99)])
    assert card(store) == in_doubt


def test_a_mark_from_before_a_doubt_is_void_for_ever(store):
    store.save(save())
    store.doubt([ANNA], LATER)
    store.save(save(ANNA, 2, doubt_until=LATER))
    saved = card(store)
    store.mark_written([mark(1, score=99)])
    assert card(store) == saved


@pytest.mark.parametrize("is_overtaken", [False, True])
def test_a_mark_of_what_was_doubted_ends_the_doubt(store, is_overtaken):
    store.save(save())
    store.doubt([ANNA], LATER)
    if is_overtaken:
        store.save(save(ANNA, 2, doubt_until=LATER))
    store.mark_written([mark(2, score=99)])
    assert card(store).doubt_until is None
    assert card(store).published["score"] == 99
    assert card(store).pending == is_overtaken


def test_a_save_ends_a_doubt_or_keeps_it_as_it_says(store):
    store.save(save())
    store.doubt([ANNA], LATER)
    store.save(save(ANNA, 2, doubt_until=NOON))
    assert card(store).doubt_until == NOON
    store.save(save(ANNA, 3))
    assert card(store).doubt_until is None


SET_BACK = Setback(NOON, LATER)


def set_back(store, *refs):
    """As whoever has just read them does."""
    cards = (store.load(ref).card for ref in refs)
    store.set_back([replace(one, setback=SET_BACK) for one in cards])


def test_a_setback_stays_until_a_version_is_marked_or_a_save_says_so(store):
    store.save(save())
    before = card(store)
    set_back(store, ANNA)
    assert card(store) == replace(before, setback=SET_BACK, due_at=LATER)
    store.save(save(ANNA, 1))
    assert card(store).setback == SET_BACK
    store.save(replace(save(ANNA, 2), afresh=True))
    assert card(store).setback is None
    set_back(store, ANNA)
    store.mark_written([mark(3)])
    assert card(store).setback is None


def test_only_who_has_a_card_is_set_back(store):
    refs = [Ref("hubspot-main", "contact", str(number)) for number in range(60)]
    for ref in refs[:50]:
        store.save(save(ref))
    store.retire(refs[3], 1, EXPIRED, NOON)
    set_back(store, *refs)
    found = {one.ref: one.setback for one in store.cards(refs)}
    assert found == dict.fromkeys(refs[:50], SET_BACK) | {refs[3]: None}
    set_back(store)


def test_who_was_saved_meanwhile_is_not_set_back(store):
    for ref in (ANNA, BEN):
        store.save(save(ref))
    read = store.cards([ANNA, BEN])
    store.save(save(ANNA, 1, due=NOON))
    store.set_back([replace(one, setback=SET_BACK) for one in read])
    assert (card(store).setback, card(store).due_at) == (None, NOON)
    assert card(store, BEN).setback == SET_BACK


def test_a_hidden_card_has_a_time_and_no_numbers(store):
    hidden = {"at": iso(NOON), "deleted_at": iso(NOON)}
    store.save(replace(save(settled=True, due=LATER), body=hidden))
    assert card(store).hidden
    assert store.due("hubspot-main", LATER, 10) == (ANNA,)
    assert list(store.population("hubspot-main")) == [{"ref": str(ANNA), "at": iso(NOON)}]
