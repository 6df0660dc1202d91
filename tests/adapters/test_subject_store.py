"""What only DynamoDB does: requests, pages, refusals and what happens between requests."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.adapters.tables import connection_of
from chalicelib.core.errors import ConfigurationError, Conflict, Parked, Retryable
from chalicelib.core.model import Ref
from chalicelib.core.stored import LedgerRow, StoredCard
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
from tests.adapters.wire import answers_to, before_each, cancelled, operations_of, refusal

TRANSACT = "TransactWriteItems"


@pytest.fixture
def store(dynamodb):
    return dynamodb.subjects


def refs(count):
    return [Ref("hubspot-main", "contact", str(number)) for number in range(count)]


def test_a_load_is_one_query_and_a_save_one_transaction(store):
    with operations_of(store) as operations:
        store.load(ANNA)
        store.save(save(ANNA, 0, contact(), *(visit(number) for number in range(96))))
        store.save(save(ANNA, 1, *(visit(number) for number in range(200, 298))))
    assert operations == ["Query", TRANSACT, TRANSACT]


def test_a_link_takes_the_place_of_a_fact(store):
    deals = [deal(number) for number in range(49)]
    store.save(save(ANNA, 0, contact()))
    with operations_of(store) as operations:
        store.save(save(ANNA, 1, *deals, related=[of_deal(number) for number in range(49)]))
        store.save(save(ANNA, 2, *deals, contact(at=LATER)))
    assert operations == [TRANSACT, TRANSACT]


def test_hundred_cards_are_read_in_one_request_and_marked_in_four(store):
    for ref in refs(100):
        store.save(save(ref))
    with operations_of(store) as operations:
        store.cards(refs(100))
        store.mark_written([mark(1, ref) for ref in refs(100)])
    assert operations == ["BatchGetItem", *[TRANSACT] * 4]


def test_one_overtaken_card_costs_its_batch_two_requests_more(store):
    for ref in refs(25):
        store.save(save(ref))
    store.save(save(refs(25)[3], 1))
    with operations_of(store) as operations:
        store.mark_written([mark(1, ref) for ref in refs(25)])
    assert operations == [TRANSACT, "UpdateItem", TRANSACT]


def test_due_cards_cost_a_query_per_shard_however_many_wait(store):
    for ref in refs(60):
        store.save(save(ref, due=NOON))
    with operations_of(store) as operations:
        assert len(store.due("hubspot-main", NOON, 10)) == 10
    assert set(operations) == {"Query"}
    assert len(operations) <= 16 + 10


def test_facts_that_do_not_fit_go_ahead_in_as_few_transactions_as_they_need(store):
    with operations_of(store) as operations:
        store.save(save(ANNA, 0, *(visit(number) for number in range(200))))
    assert operations == [TRANSACT] * 3


def test_the_version_is_read_before_facts_that_are_on_later_pages(dynamodb, store):
    notes = [replace(visit(number), data={"text": "n" * 300_000}) for number in range(5)]
    store.save(save(ANNA, 0, *notes))

    def save_between_pages(operation, request):
        if operation == "Query" and b"ExclusiveStartKey" in request.body:
            other.save(save(ANNA, 1, visit(9)))

    other = dynamodb.another_worker()
    with before_each(store, save_between_pages), operations_of(store) as operations:
        loaded = store.load(ANNA)

    assert operations == ["Query", "Query"]
    assert loaded.card.version == 1
    with pytest.raises(Conflict):
        store.save(save(ANNA, loaded.card.version, visit(10)))


def test_a_save_between_the_parts_of_a_large_one_stops_it(dynamodb, store):
    visits = [visit(number) for number in range(200)]
    other = dynamodb.another_worker()

    overtake = before_the(2, TRANSACT, lambda: other.save(save(ANNA, 0, contact())))
    with before_each(store, overtake), pytest.raises(Conflict):
        store.save(save(ANNA, 0, *visits))

    half = store.load(ANNA)
    assert (half.card.version, len(half.facts)) == (1, 97 + 1)
    store.save(save(ANNA, 1, *half.facts.merge(visits).beyond(half.facts)))
    assert len(store.load(ANNA).facts) == 200 + 1


def test_whoever_read_the_ledger_before_entries_that_went_ahead_appends_nothing(dynamodb, store):
    """Such as a redemption, of points that these entries take back."""
    store.save(replace(save(ANNA, 0), entries=[entry(1)]))
    many = tuple(entry(number) for number in range(2, 202))
    other, refused = dynamodb.another_worker(), []

    def spend():
        with pytest.raises(Conflict):
            other.save(replace(save(ANNA, 1), entries=[LedgerRow(2, "redeem:1", {"points": 9})]))
        refused.append(True)

    with before_each(store, before_the(2, TRANSACT, spend)):
        store.save(replace(save(ANNA, 1), entries=many))

    assert refused
    assert store.load(ANNA).ledger == (entry(1), *many)
    store.save(save(ANNA, card(store).version, visit(1)))


def test_entries_that_went_ahead_of_a_run_that_died_are_a_ledger_to_go_on_from(store):
    store.save(replace(save(ANNA, 0), entries=[entry(1)]))
    many = tuple(entry(number) for number in range(2, 202))
    with before_each(store, before_the(2, TRANSACT, die)), pytest.raises(Died):
        store.save(replace(save(ANNA, 1), entries=many))

    half = store.load(ANNA)
    assert half.card.pending
    assert half.card.body == save().body
    rest = many[len(half.ledger) - 1 :]
    store.save(replace(save(ANNA, half.card.version), entries=rest))
    assert store.load(ANNA).ledger == (entry(1), *many)


def test_a_run_that_dies_between_the_parts_leaves_something_to_save(store):
    visits = [visit(number) for number in range(194)]

    with before_each(store, before_the(2, TRANSACT, die)), pytest.raises(Died):
        store.save(save(ANNA, 0, *visits))

    half = store.load(ANNA)
    assert half.card == StoredCard.unsaved(ANNA)
    assert half.facts.merge(visits).beyond(half.facts) == tuple(visits[97:])


def test_facts_sent_ahead_are_never_replaced_by_older_ones(store):
    newest = contact(at=NOON + timedelta(hours=2), country="IR")
    visits = [visit(number) for number in range(150)]
    with before_each(store, before_the(2, TRANSACT, die)), pytest.raises(Died):
        store.save(save(ANNA, 0, newest, *visits))

    with pytest.raises(Conflict):
        store.save(save(ANNA, 0, contact(at=NOON + timedelta(hours=1))))

    assert newest in list(store.load(ANNA).facts)


def test_a_large_save_does_not_create_facts_of_a_subject_that_moved_on(store):
    store.save(save(ANNA, 0, contact()))
    with operations_of(store) as operations, pytest.raises(Conflict):
        store.save(save(ANNA, 0, *(visit(number) for number in range(150))))
    assert operations == [TRANSACT]


def test_a_collision_with_another_transaction_is_a_conflict_for_a_save(dynamodb, store):
    collision = cancelled("TransactionConflict", None)
    with answers_to(store, TRANSACT, collision), pytest.raises(Conflict):
        store.save(save())
    assert dynamodb.pauses == []


def test_a_collision_is_waited_out_by_a_mark(dynamodb, store):
    store.save(save())
    with answers_to(store, TRANSACT, *[cancelled("TransactionConflict")] * 2):
        store.mark_written([mark(1)])
    assert not card(store).pending
    assert len(dynamodb.pauses) == 2


def test_a_collision_of_one_card_and_a_newer_version_of_another_are_told_apart(store):
    for ref in (ANNA, BEN):
        store.save(save(ref))
    store.save(save(BEN, 1))
    with answers_to(store, TRANSACT, cancelled("TransactionConflict", "ConditionalCheckFailed")):
        store.mark_written([mark(1, ANNA), mark(1, BEN)])
    assert not card(store, ANNA).pending
    assert card(store, BEN).pending
    assert card(store, BEN).written_version == 1


def test_an_overtaken_card_that_collides_is_marked_all_the_same(dynamodb, store):
    store.save(save())
    store.save(save(ANNA, 1))
    with answers_to(store, "UpdateItem", refusal("TransactionConflictException")):
        store.mark_written([mark(1)])
    assert card(store).written_version == 1
    assert len(dynamodb.pauses) == 1


def test_a_throttled_item_is_waited_for(dynamodb, store):
    with answers_to(store, TRANSACT, *[cancelled(None, "ThrottlingError")] * 3):
        store.save(save(ANNA, 0, contact()))
    assert store.load(ANNA).card.version == 1
    assert all(0 <= pause <= 0.4 for pause in dynamodb.pauses)
    assert len(dynamodb.pauses) == 3


def test_all_attempts_of_a_save_carry_one_token_so_that_none_is_applied_twice(store):
    tokens = []

    def throttle(operation, request):
        tokens.append(json.loads(request.body)["ClientRequestToken"])
        return cancelled("ThrottlingError") if len(tokens) < 3 else None

    with before_each(store, throttle):
        store.save(save())
        store.save(save(BEN))
    assert [tokens.count(token) for token in dict.fromkeys(tokens)] == [3, 1]


def test_patience_has_an_end(store):
    throttled = [cancelled("ThrottlingError")] * 9
    with answers_to(store, TRANSACT, *throttled), pytest.raises(Retryable) as refused:
        store.save(save())
    assert not isinstance(refused.value, Conflict)
    assert store.load(ANNA).card == StoredCard.unsaved(ANNA)


def test_a_save_whose_answer_was_lost_is_not_taken_for_somebody_elses(dynamodb, store):
    other = dynamodb.another_worker()
    sent = []

    def deliver_but_lose_the_answer(operation, request):
        if operation == TRANSACT and not sent:
            sent.append(request.body)
            connection_of(other.item).client._endpoint.http_session.send(request)
            raise ReadTimeoutError(endpoint_url=request.url)

    with before_each(store, deliver_but_lose_the_answer):
        store.save(save(ANNA, 0, contact()))

    assert store.load(ANNA).card.version == 1


def test_a_fact_that_no_item_can_hold_is_for_a_person(store):
    with pytest.raises(Parked):
        store.save(save(ANNA, 0, contact(note="n" * 420_000)))
    assert store.load(ANNA).card == StoredCard.unsaved(ANNA)


def test_a_missing_table_is_a_fault_of_the_installation(store):
    store.item.delete_table()
    with pytest.raises(ConfigurationError):
        store.load(ANNA)
    with pytest.raises(ConfigurationError):
        list(store.population("hubspot-main"))


class Died(BaseException):
    pass


def die():
    raise Died


def before_the(count, wanted, act):
    """Acts before the nth request of an operation."""
    seen = []

    def watch(operation, _):
        seen.append(operation)
        if operation == wanted and seen.count(wanted) == count:
            act()

    return watch
