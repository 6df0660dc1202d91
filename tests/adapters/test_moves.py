"""What only DynamoDB does to those who move out: deaths between requests, and what is left."""

import hashlib
import json
from functools import partial
from itertools import count
from types import SimpleNamespace

import botocore.endpoint
import pytest

from chalicelib.adapters.refusals import PAUSES
from chalicelib.adapters.subject_rows import CARD
from chalicelib.adapters.tables import connection_of
from chalicelib.core.errors import Conflict, SubjectErased
from chalicelib.core.model import Ref
from chalicelib.core.stored import Leaving, Stub
from tests.adapters.test_moves_contract import ERASED, EXPIRED, INTO_BEN, STUBS, move_out
from tests.adapters.test_subject_store import TRANSACT, Died, before_the, die, refs
from tests.adapters.test_subject_store_contract import (
    ANNA,
    BEN,
    LATER,
    NOON,
    card,
    contact,
    deal,
    mark,
    of_deal,
    save,
    visit,
)
from tests.adapters.wire import answers_to, before_each, cancelled, operations_of, refusal
from tests.fakes.store import InMemorySubjectStore

SUBJECT = Ref("hubspot-main", "contact", "5810001777")
LOSER = Ref("hubspot-main", "contact", "5810001888")


@pytest.fixture
def store(dynamodb):
    return dynamodb.subjects


def items(store):
    client = connection_of(store.item).client
    return client._make_api_call("Scan", {"TableName": store.item.Meta.table_name})["Items"]


def grown(store, ref, number=60):
    """Deals with links, visits and history: enough for two transactions of deletions."""
    deals = [deal(each, ref) for each in range(number)]
    visits = [visit(each, ref) for each in range(number)]
    related = [of_deal(each, ref) for each in range(number)]
    store.save(save(ref, 0, contact(ref), *deals, *visits, related=related))
    store.save(save(ref, 1, visit(number, ref)))


def test_retiring_is_one_request_and_so_is_asking_for_holders(store):
    store.save(save())
    with operations_of(store) as operations:
        store.retire(ANNA, 1, INTO_BEN, NOON)
        store.holders(of_deal(1))
    assert operations == [TRANSACT, "Query"]


def test_clearing_reads_once_and_deletes_a_hundred_items_at_a_time(store):
    store.save(save(ANNA, 0, *(visit(number) for number in range(98))))
    store.retire(ANNA, 1, EXPIRED, NOON)
    with operations_of(store) as operations:
        store.clear(ANNA)
    assert operations == ["Query", TRANSACT, TRANSACT]


def test_a_hundred_doubts_are_four_requests(store):
    for ref in refs(100):
        store.save(save(ref))
    with operations_of(store) as operations:
        store.doubt(refs(100), LATER)
    assert operations == [TRANSACT] * 4


def test_an_alias_costs_the_index_nothing(store):
    store.save(save())
    move_out(store, INTO_BEN)
    (alias,) = (item for item in items(store) if item["sk"]["S"] == CARD)
    assert sorted(alias) == ["ref", "sk", "stub", "version"]


def test_only_a_first_save_looks_for_a_tombstone(store):
    looks = []

    def watch(_, request):
        looks.append(b"#erased#" in request.body)

    with before_each(store, watch):
        store.save(save(ANNA, 0, contact()))
        store.save(save(ANNA, 1, visit(1)))
    assert looks == [True, False]


def test_nothing_names_who_was_erased(store):
    grown(store, LOSER)
    move_out(store, Stub(Leaving.MERGED, SUBJECT), LOSER)
    grown(store, SUBJECT)
    store.doubt([SUBJECT], LATER)
    move_out(store, ERASED, SUBJECT)
    left = json.dumps(items(store))
    for ref in (SUBJECT, LOSER):
        assert ref.id not in left
        assert hashlib.sha256(str(ref).encode()).hexdigest() not in left
    assert [sorted(item) for item in items(store)] == [["ref", "sk"]] * 2


def test_two_installations_leave_different_tombstones(dynamodb, store):
    move_out(store, ERASED)
    (mine,) = items(store)
    dynamodb.emptied()
    move_out(store, ERASED)
    (theirs,) = items(store)
    assert mine != theirs


def test_a_save_that_died_half_way_leaves_nothing_behind_an_erasure(store):
    for step in count(1):
        ref = Ref("hubspot-main", "contact", f"58100{step}")
        died = dies_before(step, store, partial(grown, store, ref))
        known = store.load(ref)
        assert known.facts.related() == held(store, ref)
        move_out(store, ERASED, ref)
        assert ref.id not in json.dumps(items(store))
        if not died:
            break
    assert step > 3


def held(store, ref):
    return {of_deal(each) for each in range(60) if ref in store.holders(of_deal(each))}


def dies_before(step, store, act):
    """Whether ``act`` came to its request of that number, and died there."""
    try:
        disturbed(step, store, act, die)
    except Died:
        return True
    return False


def disturbed(step, store, act, disturb):
    """Whether ``act`` came to its request of that number, before which ``disturb`` is called."""
    requests = []

    def watch(operation, _):
        requests.append(operation)
        if len(requests) == step:
            disturb()

    with before_each(store, watch):
        act()
    return len(requests) >= step


@STUBS
def test_a_clearing_that_died_anywhere_is_finished_by_another(dynamodb, store, stub):
    other, fake = dynamodb.another_worker(), InMemorySubjectStore()
    for step in count(1):
        ref = Ref(f"hubspot-{step}", "contact", "1")
        for each in (store, fake):
            prepare(each, ref, stub)
        died = dies_before(step, store, partial(store.clear, ref))
        if died:
            assert card(store, ref).stub
            assert store.due(ref.connection, NOON, 1) == (ref,)
        other.clear(ref)
        fake.clear(ref)
        assert left(store, ref) == left(fake, ref)
        if not died:
            break
    assert step > 4


def prepare(store, ref, stub):
    """With an alias; and ready to be cleared."""
    grown(store, loser(ref), 10)
    move_out(store, Stub(Leaving.MERGED, ref), loser(ref))
    grown(store, ref)
    store.retire(ref, 2, local(stub, ref), NOON)


def loser(ref):
    return Ref(ref.connection, "contact", "the loser")


def local(stub, ref):
    return Stub(stub.why, Ref(ref.connection, "contact", "2") if stub.into else None)


def left(store, ref):
    return (
        [(store.load(one), store.history(one, 10)) for one in (ref, loser(ref))],
        [store.holders(of_deal(each, ref)) for each in range(60)],
        store.due(ref.connection, LATER, 10),
    )


@STUBS
def test_two_may_clear_one_stub_at_once(dynamodb, store, stub):
    other, fake = dynamodb.another_worker(), InMemorySubjectStore()
    for step in count(1):
        ref = Ref(f"hubspot-{step}", "contact", "1")
        for each in (store, fake):
            prepare(each, ref, stub)
        were_two = disturbed(step, store, partial(store.clear, ref), partial(other.clear, ref))
        fake.clear(ref)
        assert left(store, ref) == left(fake, ref)
        if not were_two:
            break
    assert step > 3


@pytest.mark.parametrize("next_life", [1, 3])
def test_who_sleeps_while_clearing_does_not_touch_the_next_life(dynamodb, store, next_life):
    other = dynamodb.another_worker()

    def overtake():
        other.clear(ANNA)
        grown(other, ANNA)
        for base in range(2, 2 + next_life):
            other.save(save(ANNA, base))

    grown(store, ANNA)
    store.retire(ANNA, 2, EXPIRED, NOON)
    with before_each(store, before_the(2, TRANSACT, overtake)):
        store.clear(ANNA)
    assert len(store.load(ANNA).facts) == 60 + 60 + 2
    assert card(store).version == 2 + next_life


def test_a_survivor_that_is_erased_just_before_is_not_merged_into(dynamodb, store):
    other = dynamodb.another_worker()
    store.save(save())
    forget = before_the(1, TRANSACT, lambda: move_out(other, ERASED, BEN))
    with before_each(store, forget), pytest.raises(SubjectErased):
        store.retire(ANNA, 1, INTO_BEN, NOON)
    assert card(store).stub is None


def test_a_longer_doubt_that_ends_meanwhile_makes_room_for_a_shorter(dynamodb, store):
    store.save(save(doubt_until=LATER))
    other = dynamodb.another_worker()
    end_it = before_the(1, "UpdateItem", lambda: other.save(save(ANNA, 1)))
    with before_each(store, end_it), operations_of(store) as operations:
        store.doubt([ANNA], NOON)
    assert (card(store).version, card(store).doubt_until) == (3, NOON)
    assert operations == [TRANSACT, *["BatchGetItem", "UpdateItem"] * 2]


def known_and_retired(store):
    store.save(save(ANNA, 0, contact(), deal(1), related=[of_deal(1)]))
    store.retire(ANNA, 1, ERASED, NOON)


CALLS = {
    "first save": (lambda store: None, lambda store: store.save(save(ANNA, 0, contact()))),
    "save": (lambda store: store.save(save()), lambda store: store.save(save(ANNA, 1, visit(1)))),
    "retire": (
        lambda store: store.save(save()),
        lambda store: store.retire(ANNA, 1, INTO_BEN, NOON),
    ),
    "clear": (known_and_retired, lambda store: store.clear(ANNA)),
    "doubt": (lambda store: store.save(save()), lambda store: store.doubt([ANNA], LATER)),
    "mark": (lambda store: store.save(save()), lambda store: store.mark_written([mark(1)])),
}
BUSY = {
    "collision": lambda: cancelled("TransactionConflict", None),
    "throttled item": lambda: cancelled(None, "ThrottlingError"),
    "no capacity for an item": lambda: cancelled("ProvisionedThroughputExceeded"),
    "throttled": lambda: refusal("ThrottlingException"),
    "no capacity": lambda: refusal("ProvisionedThroughputExceededException"),
    "in progress": lambda: refusal("TransactionInProgressException"),
    "broken": lambda: refusal("InternalServerError", status=500),
}


# Who saves, and meets another transaction, reads again instead.
WAITED_FOR = [
    (call, reason)
    for call in CALLS
    for reason in BUSY
    if (call[-4:], reason) != ("save", "collision")
]


@pytest.fixture
def _brisk_sdk(monkeypatch):
    """The SDK's own patience without its pauses."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _seconds: None))


@pytest.mark.usefixtures("_brisk_sdk")
@pytest.mark.parametrize(("call", "reason"), WAITED_FOR)
def test_a_busy_table_is_waited_for(dynamodb, store, call, reason):
    prepare_call, act = CALLS[call]
    fake = InMemorySubjectStore()
    for each in (store, fake):
        prepare_call(each)
    with answers_to(store, TRANSACT, *(BUSY[reason]() for _ in range(4))) as waiting:
        act(store)
    act(fake)
    assert waiting == []
    assert dynamodb.pauses
    assert all(0 <= pause <= limit for pause, limit in zip(dynamodb.pauses, PAUSES, strict=False))
    assert (store.load(ANNA), store.cards([ANNA])) == (fake.load(ANNA), fake.cards([ANNA]))


def test_a_longer_doubt_that_collides_is_waited_for(dynamodb, store):
    store.save(save(doubt_until=LATER))
    with answers_to(store, "UpdateItem", *[refusal("TransactionConflictException")] * 2):
        store.doubt([ANNA], NOON)
    assert (card(store).version, card(store).doubt_until) == (2, LATER)
    assert len(dynamodb.pauses) == 2


@pytest.mark.parametrize("call", ["retire", "clear", "doubt", "mark"])
def test_collisions_are_not_waited_out_for_ever(store, call):
    prepare_call, act = CALLS[call]
    prepare_call(store)
    before = store.load(ANNA)
    collisions = [cancelled("TransactionConflict", None)] * (len(PAUSES) + 1)
    with answers_to(store, TRANSACT, *collisions), pytest.raises(Conflict):
        act(store)
    assert store.load(ANNA) == before
