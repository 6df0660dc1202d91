"""What every subject store promises, in memory or on DynamoDB."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.core.dues import Debts
from chalicelib.core.errors import Conflict, SubjectErased
from chalicelib.core.facts import Fact, iso
from chalicelib.core.model import Ref
from chalicelib.core.ports import SHARDS
from chalicelib.core.stored import (
    Collection,
    Leaving,
    LedgerRow,
    Mark,
    Save,
    Setback,
    StoredCard,
    Stub,
)
from tests.fakes.store import InMemorySubjectStore

NOON = datetime(2026, 3, 21, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
ANNA = Ref("hubspot-main", "contact", "1")
BEN = Ref("hubspot-main", "contact", "2")


def contact(ref=ANNA, *, at=NOON, **data):
    return Fact(ref, "contact", ref.id, at, {"email": "anna@example.com", **data}, at)


def visit(number, ref=ANNA):
    at = NOON + timedelta(minutes=number)
    return Fact(ref, "activity", f"v{number}", at, {"kind": "page.viewed", "count": 1})


def deal(number, ref=ANNA, *, at=NOON, **data):
    return Fact(ref, "deal", str(number), at, {"status": "open", **data}, at)


def entry(number, *, points=10, note=""):
    body = {"id": f"earn:r:x:{number}", "points": points, "touched": [["r:x", points]]}
    return LedgerRow(number, f"earn:r:x:{number}", {**body, "note": note})


def of_deal(number, ref=ANNA):
    return Ref(ref.connection, "deal", str(number))


def save(
    ref=ANNA,
    base=0,
    *facts,
    settled=False,
    doubt_until=None,
    due=None,
    change=None,
    score=40,
    related=(),
    **more,
):
    reasons = [{"en": "Opened", "fa": "باز کرد"}]
    return Save(
        ref=ref,
        base_version=base,
        facts=facts,
        body={"at": iso(NOON), "score": score, "reasons": reasons, **more},
        outgoing={"score": score, "tags": ("class:A", "segment:loyal"), "class": None},
        settled=settled,
        doubt_until=doubt_until,
        due_at=due,
        next_change_at=change,
        history={"score": score},
        at=NOON + timedelta(minutes=base),
        related=related,
    )


def mark(version, ref=ANNA, *, score=40, change=None, doubt_until=None):
    shown = {"score": score, "tags": ("class:A",)}
    return Mark(ref, version, shown, doubt_until, change)


@pytest.fixture
def store(engine):
    return engine.subjects


def card(store, ref=ANNA):
    (found,) = store.cards([ref])
    return found


def test_a_subject_nobody_saved_is_empty(store):
    assert store.load(ANNA) == Collection(StoredCard.unsaved(ANNA))
    assert store.load(ANNA).card.version == 0


def test_what_is_saved_is_loaded(store):
    change = NOON + timedelta(days=3)
    store.save(save(ANNA, 0, contact(), visit(1), due=NOON, change=change))

    loaded = store.load(ANNA)

    assert list(loaded.facts) == [visit(1), contact()]
    assert loaded.card == card(store)
    assert (loaded.card.version, loaded.card.written_version) == (1, 0)
    assert loaded.card.outgoing == save().outgoing
    assert loaded.card.published == {}
    assert loaded.card.body == save().body
    assert (loaded.card.due_at, loaded.card.next_change_at) == (NOON, change)


def test_a_second_save_keeps_the_facts_it_does_not_name_and_replaces_those_it_does(store):
    store.save(save(ANNA, 0, contact(), visit(1)))
    later = contact(at=NOON + timedelta(hours=1), country="IR")
    store.save(save(ANNA, 1, later, visit(2)))
    assert list(store.load(ANNA).facts) == [visit(1), visit(2), later]


@pytest.mark.parametrize("overtaken", [False, True])
def test_a_doubt_lasts_until_a_version_is_marked(store, overtaken):
    store.save(save(ANNA, 0))
    store.save(save(ANNA, 1, doubt_until=LATER))
    assert card(store).doubt_until == LATER
    if overtaken:
        store.save(save(ANNA, 2, doubt_until=LATER))
    store.mark_written([mark(2, doubt_until=LATER)])
    assert card(store).doubt_until == LATER
    store.save(save(ANNA, card(store).version, doubt_until=LATER))
    store.mark_written([mark(card(store).version)])
    assert card(store).doubt_until is None


def test_a_value_that_went_away_is_cleared(store):
    customer = {"recency_days": 3, "frequency": 2, "monetary": {"amount": 7, "currency": "USD"}}
    store.save(save(ANNA, 0, due=NOON, change=NOON, rfm=customer))
    store.save(save(ANNA, 1, rfm=None))
    assert (card(store).due_at, card(store).next_change_at) == (None, None)
    assert list(store.population("hubspot-main")) == [
        {"ref": str(ANNA), "at": iso(NOON), "score": 40}
    ]


def test_subjects_do_not_see_each_other(store):
    store.save(save(ANNA, 0, contact()))
    store.save(save(BEN, 0, contact(BEN)))
    assert list(store.load(BEN).facts) == [contact(BEN)]


def test_who_saves_second_is_told_and_changes_nothing(store):
    store.save(save(ANNA, 0, contact(), score=40))
    with pytest.raises(Conflict):
        store.save(save(ANNA, 0, visit(1), score=80))
    assert list(store.load(ANNA).facts) == [contact()]
    assert card(store).body["score"] == 40
    assert len(store.history(ANNA, 10)) == 1


def test_a_save_on_a_version_that_never_was_is_a_conflict(store):
    with pytest.raises(Conflict):
        store.save(save(ANNA, 3))
    assert store.load(ANNA) == Collection(StoredCard.unsaved(ANNA))


def test_entries_come_back_in_the_order_of_their_numbers_whatever_their_ids(store):
    late, early = LedgerRow(1, "redeem:z", {"points": 1}), LedgerRow(2, "earn:a", {"points": 2})
    store.save(replace(save(ANNA, 0, contact()), entries=[late, early]))
    store.save(replace(save(ANNA, 1), entries=[entry(number) for number in range(3, 13)]))
    loaded = store.load(ANNA)
    assert loaded.ledger == (late, early, *(entry(number) for number in range(3, 13)))
    assert list(loaded.facts) == [contact()]


def test_an_entry_is_never_edited(store):
    store.save(replace(save(ANNA, 0), entries=[entry(1)]))
    with pytest.raises(Conflict):
        store.save(replace(save(ANNA, 1, visit(1)), entries=[entry(1, points=99)]))
    assert store.load(ANNA).ledger == (entry(1),)
    assert card(store).version == 1
    assert not list(store.load(ANNA).facts)


def test_who_saves_entries_second_is_told_and_appends_nothing(store):
    store.save(replace(save(ANNA, 0), entries=[entry(1)]))
    with pytest.raises(Conflict):
        store.save(replace(save(ANNA, 0), entries=[entry(2)]))
    assert store.load(ANNA).ledger == (entry(1),)


def test_a_save_may_bring_more_entries_than_a_transaction_takes(store):
    entries = tuple(entry(number) for number in range(1, 251))
    facts = [visit(number) for number in range(120)]
    store.save(replace(save(ANNA, 0, *facts), entries=entries))
    assert store.load(ANNA).ledger == entries
    assert len(list(store.load(ANNA).facts)) == 120
    assert card(store).version == 1


def test_a_ledger_may_be_larger_than_a_page(store):
    entries = tuple(entry(number, note="n" * 4000) for number in range(1, 301))
    store.save(replace(save(ANNA, 0), entries=entries))
    assert store.load(ANNA).ledger == entries


def test_racing_writers_lose_nothing(engine):
    def write(numbers):
        store = engine.another_worker()
        for number in numbers:
            save_until_accepted(store, visit(number))

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, (range(start, 24, 4) for start in range(4))))

    loaded = engine.subjects.load(ANNA)
    assert list(loaded.facts) == [visit(number) for number in range(24)]
    assert loaded.card.version == 24


def save_until_accepted(store, fact):
    while True:
        try:
            return store.save(save(ANNA, store.load(ANNA).card.version, fact))
        except Conflict:
            continue


@pytest.mark.parametrize("count", [98, 99, 100, 101, 350])
def test_a_save_may_bring_more_facts_than_a_transaction_takes(store, count):
    visits = [visit(number) for number in range(count)]
    store.save(save(ANNA, 0, *visits))
    loaded = store.load(ANNA)
    assert list(loaded.facts) == visits
    assert loaded.card.version == 1


def test_a_large_save_that_comes_second_is_a_conflict_too(store):
    store.save(save(ANNA, 0, contact()))
    with pytest.raises(Conflict):
        store.save(save(ANNA, 0, *(visit(number) for number in range(150))))
    assert list(store.load(ANNA).facts) == [contact()]


def test_a_collection_may_be_larger_than_a_page(store):
    notes = [replace(visit(number), data={"text": "ن" * 90_000}) for number in range(12)]
    store.save(save(ANNA, 0, *notes))
    assert list(store.load(ANNA).facts) == notes


def test_a_marked_card_is_settled_until_it_changes_by_itself(store):
    change = NOON + timedelta(days=3)
    store.save(save(due=NOON))
    store.mark_written([mark(1, change=change)])
    assert not card(store).pending
    assert card(store).published == {"score": 40, "tags": ("class:A",)}
    assert card(store).due_at == change


def test_a_marked_card_that_never_changes_by_itself_is_never_due(store):
    store.save(save(due=NOON))
    store.mark_written([mark(1)])
    assert card(store).due_at is None
    assert store.due("hubspot-main", NOON + timedelta(days=3650), 10) == ()
    assert len(list(store.population("hubspot-main"))) == 1


def test_a_card_saved_between_writing_and_marking_stays_pending_and_due(store):
    store.save(save(score=40, due=NOON))
    store.save(save(ANNA, 1, score=60, due=NOON + timedelta(minutes=2)))
    store.mark_written([mark(1, score=40)])
    assert card(store).pending
    assert card(store).written_version == 1
    assert card(store).published["score"] == 40
    assert card(store).outgoing["score"] == 60
    assert card(store).due_at == NOON + timedelta(minutes=2)


def test_marking_twice_is_like_marking_once(store):
    store.save(save(due=NOON))
    store.mark_written([mark(1)])
    once = card(store)
    store.mark_written([mark(1)])
    assert card(store) == once


def test_an_old_mark_does_not_undo_a_new_one(store):
    store.save(save(score=40))
    store.save(save(ANNA, 1, score=60))
    store.mark_written([mark(2, score=60)])
    store.mark_written([mark(1, score=40)])
    assert card(store).written_version == 2
    assert card(store).published["score"] == 60


def test_an_old_mark_does_not_undo_an_overtaken_newer_one(store):
    for base in range(3):
        store.save(save(ANNA, base, due=NOON))
    store.mark_written([mark(2, score=60)])
    store.mark_written([mark(1, score=40)])
    assert card(store).written_version == 2
    assert card(store).published["score"] == 60
    assert card(store).due_at == NOON


def test_a_save_keeps_what_the_crm_shows(store):
    store.save(save(score=40))
    store.mark_written([mark(1, score=40)])
    store.save(save(ANNA, 1, score=60))
    assert card(store).published["score"] == 40
    assert (card(store).version, card(store).written_version) == (2, 1)


def test_a_settled_save_leaves_nothing_pending_and_keeps_what_the_crm_shows(store):
    store.save(save(score=40))
    store.mark_written([mark(1, score=40)])
    store.save(save(ANNA, 1, score=41, settled=True))
    assert not card(store).pending
    assert card(store).written_version == 2
    assert card(store).published["score"] == 40


def test_a_mark_that_comes_after_a_settled_save_changes_nothing(store):
    store.save(save(score=40))
    store.save(save(ANNA, 1, settled=True))
    settled = card(store)
    store.mark_written([mark(1, score=40)])
    assert card(store) == settled


def test_a_mark_of_a_version_that_is_not_there_yet_changes_nothing(store):
    store.save(save())
    before = card(store)
    store.mark_written([mark(2), mark(7, BEN)])
    assert card(store) == before
    assert store.cards([BEN]) == ()


def test_of_two_marks_of_one_card_in_one_call_the_newer_counts(store):
    store.save(save())
    store.save(save(ANNA, 1))
    store.mark_written([mark(2, score=60), mark(1, score=40)])
    assert card(store).published["score"] == 60


def test_one_overtaken_card_does_not_hold_up_the_others(store):
    refs = [Ref("hubspot-main", "contact", str(number)) for number in range(30)]
    for ref in refs:
        store.save(save(ref, due=NOON))
    store.save(save(refs[3], 1, due=NOON))
    store.mark_written([mark(1, ref) for ref in refs])
    assert [found.ref for found in store.cards(refs) if found.pending] == [refs[3]]
    assert {found.written_version for found in store.cards(refs)} == {1}


def test_marking_nothing_is_allowed(store):
    store.mark_written([])


def test_cards_come_in_the_order_asked_once_each_and_without_the_absent(store):
    refs = [Ref("hubspot-main", "contact", str(number)) for number in range(120)]
    for ref in refs:
        store.save(save(ref))
    asked = [refs[7], BEN, refs[7], *refs, Ref("hubspot-main", "contact", "nobody")]
    assert [found.ref for found in store.cards(asked)] == list(dict.fromkeys(asked))[:-1]


def test_the_longest_due_come_first(store):
    refs = [Ref("hubspot-main", "contact", str(number)) for number in range(40)]
    for number, ref in enumerate(refs):
        store.save(save(ref, due=NOON + timedelta(minutes=number)))
    store.save(save(Ref("zoho-main", "contact", "1"), due=NOON))
    now = NOON + timedelta(minutes=29)
    assert store.due("hubspot-main", now, 100) == tuple(refs[:30])
    assert store.due("hubspot-main", now, 7) == tuple(refs[:7])
    assert store.due("hubspot-main", NOON - timedelta(seconds=1), 7) == ()


def test_the_population_is_every_card_of_a_connection_with_its_numbers(store):
    for number in range(40):
        ref = Ref("hubspot-main", "contact", str(number))
        monetary = {"amount": number * 10**12, "currency": "IRR"}
        rfm = {"recency_days": number, "frequency": 2, "monetary": monetary}
        value = {"total": {"amount": -number * 10**12, "currency": "IRR"}}
        told = {"rfm": rfm, "value": value, "satisfaction": {"mean": number + 0.5}}
        call = {"index": number / 4, "opted_out": False}
        store.save(save(ref, score=number, **told, priority=call, due=NOON))
    store.save(save(Ref("zoho-main", "contact", "1")))
    rows = sorted(store.population("hubspot-main"), key=lambda row: row["score"])
    assert rows == [
        {
            "ref": f"hubspot-main:contact:{number}",
            "at": iso(NOON),
            "score": number,
            "r": number,
            "f": 2,
            "m": number * 10**12,
            "call": {"index": number / 4, "opted_out": False},
            "v": -number * 10**12,
            "q": number + 0.5,
        }
        for number in range(40)
    ]


def test_the_shares_of_a_population_are_all_of_it(store):
    refs = [Ref("hubspot-main", "contact", str(number)) for number in range(40)]
    for ref in refs:
        store.save(save(ref))
    shares = [list(store.population("hubspot-main", shard=shard)) for shard in range(SHARDS)]
    assert sorted(Ref.parse(row["ref"]) for share in shares for row in share) == sorted(refs)
    assert max(len(share) for share in shares) < 10


def test_a_card_without_a_score_has_no_numbers(store):
    store.save(save(score=None))
    assert list(store.population("hubspot-main")) == [{"ref": str(ANNA), "at": iso(NOON)}]


def test_history_is_newest_first_and_keeps_silent_about_unpublished_saves(store):
    store.save(save(ANNA, 0, score=10))
    store.save(replace(save(ANNA, 1, score=11), history=None))
    store.save(save(ANNA, 2, score=30))
    store.save(save(ANNA, 3, score=40))
    assert store.history(ANNA, 2) == ({"score": 40}, {"score": 30})
    assert store.history(ANNA, 10) == ({"score": 40}, {"score": 30}, {"score": 10})
    assert store.history(BEN, 10) == ()


SUBJECTS = ("1", "2")
WHY = {why.value: why for why in Leaving}

# Each names its subject; the numbers are versions, minutes and scores.
STEP = st.one_of(
    st.tuples(
        st.just("save"), st.sampled_from(SUBJECTS), st.booleans(), st.integers(0, 3), st.booleans()
    ),
    st.tuples(st.just("mark"), st.sampled_from(SUBJECTS), st.integers(1, 5), st.booleans()),
    st.tuples(st.just("doubt"), st.sampled_from(SUBJECTS), st.integers(0, 9)),
    st.tuples(st.just("set_back"), st.sampled_from(SUBJECTS), st.integers(0, 9), st.booleans()),
    st.tuples(
        st.just("retire"), st.sampled_from(SUBJECTS), st.sampled_from(sorted(WHY)), st.booleans()
    ),
    st.tuples(st.just("clear"), st.sampled_from(SUBJECTS)),
)
EXAMPLES = count(1)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=14))
def test_any_order_of_calls_ends_as_it_does_in_memory(dynamodb, steps):
    # A connection of their own, so that examples do not meet in one table.
    connection = f"hubspot-{next(EXAMPLES)}"
    stored, fake = dynamodb.subjects, InMemorySubjectStore()
    for step in steps:
        assert taken(stored, connection, *step) == taken(fake, connection, *step)
        assert cards_of(stored, connection) == cards_of(fake, connection)
    assert view(stored, connection) == view(fake, connection)


def taken(store, connection, what, id_, *arguments):
    """Says what was raised, if anything."""
    ref = Ref(connection, "contact", id_)
    try:
        TAKE[what](store, ref, *arguments)
    except (Conflict, SubjectErased) as error:
        return type(error)
    return None


def take_save(store, ref, settled, number, is_late):
    """Of a deal and a visit; a late one is of the version before."""
    known = store.load(ref)
    facts = known.facts.merge([deal(number, ref), visit(number, ref)])
    next_entry = entry(len(known.ledger) + 1 - (is_late and number == 2))
    related = sorted(facts.related() - known.facts.related())
    doubt = NOON + timedelta(minutes=number) if number == 3 else known.card.doubt_until
    made = save(
        ref,
        max(known.card.version - is_late, 0),
        *facts.beyond(known.facts),
        settled=settled,
        doubt_until=doubt,
        due=NOON + timedelta(minutes=number),
        related=related,
    )
    store.save(replace(made, entries=[next_entry]))


def take_mark(store, ref, version, in_doubt):
    doubt = LATER if in_doubt else None
    store.mark_written([mark(version, ref, score=version, change=NOON, doubt_until=doubt)])


def take_doubt(store, ref, minutes):
    store.doubt([ref, ref], NOON + timedelta(minutes=minutes))


def take_set_back(store, ref, minutes, is_late):
    card = store.load(ref).card
    setback = Setback(NOON, NOON + timedelta(minutes=minutes))
    store.set_back([replace(card, version=card.version - is_late, setback=setback)])


def take_retire(store, ref, why, is_late):
    (other,) = set(SUBJECTS) - {ref.id}
    into = replace(ref, id=other) if WHY[why] is Leaving.MERGED else None
    base = max(store.load(ref).card.version - is_late, 0)
    store.retire(ref, base, Stub(WHY[why], into), NOON)


def take_clear(store, ref):
    store.clear(ref)


TAKE = {
    "save": take_save,
    "mark": take_mark,
    "doubt": take_doubt,
    "set_back": take_set_back,
    "retire": take_retire,
    "clear": take_clear,
}


def cards_of(store, connection):
    return store.cards([Ref(connection, "contact", id_) for id_ in SUBJECTS])


def view(store, connection):
    """All that can be asked of two subjects and the deals that they may share."""
    refs = [Ref(connection, "contact", id_) for id_ in SUBJECTS]
    return (
        [(store.load(ref), store.history(ref, 20)) for ref in refs],
        [store.holders(Ref(connection, "deal", str(number))) for number in range(4)],
        sorted(store.due(connection, NOON + timedelta(days=1), 10)),
        sorted(store.population(connection), key=lambda row: row["ref"]),
    )


def owed(at=NOON, score=40, ref=ANNA):
    company = Ref(ref.connection, "account", "7")
    data = {"score": score, "person": []} if score else {}
    fact = Fact(company, "score", "anna", at, data, at)
    return Debts((fact,), owed=True, as_of=at)


def test_what_is_owed_is_kept_until_it_is_settled(store):
    store.save(replace(save(ANNA, 0, due=NOON, change=LATER), debts=owed()))
    assert card(store).debts == owed()
    assert card(store).owing
    store.settle(card(store))
    assert card(store).debts == replace(owed(), owed=False)
    assert card(store).due_at == NOON  # the CRM has not heard yet


def test_who_is_settled_and_written_is_due_when_it_changes(store):
    store.save(replace(save(ANNA, 0, due=NOON, change=LATER, settled=True), debts=owed()))
    store.settle(card(store))
    assert card(store).due_at == LATER


def test_what_was_taken_back_is_gone_once_it_is_settled(store):
    store.save(replace(save(ANNA, 0), debts=owed(score=None)))
    store.settle(card(store))
    assert card(store).debts == Debts((), owed=False, as_of=NOON)


def test_a_save_in_between_goes_on_owing(store):
    store.save(replace(save(ANNA, 0), debts=owed()))
    read = card(store)
    store.save(replace(save(ANNA, 1), debts=owed(LATER, 50)))
    store.settle(read)
    assert card(store).debts == owed(LATER, 50)


def test_a_stub_keeps_what_it_owes_and_is_not_settled(store):
    store.save(replace(save(ANNA, 0), debts=owed()))
    store.retire(ANNA, 1, Stub(Leaving.MERGED, BEN), NOON)
    store.settle(replace(card(store), stub=None))
    assert card(store).debts == owed()
    store.clear(ANNA)
    assert not card(store).debts
