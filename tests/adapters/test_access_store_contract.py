"""What the shared state of a connection's workers promises, in memory or on DynamoDB."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from chalicelib.adapters.access_store import DynamoAccessStore
from chalicelib.adapters.settings_store import DynamoSettingsStore
from chalicelib.core.connector import OAuthGrant, Rate, Secret
from chalicelib.core.shared import KeptToken
from chalicelib.pipeline.access import SharedAccess
from chalicelib.pipeline.local_access import LocalGrants, LocalState
from chalicelib.pipeline.pacing import Pacer
from tests.adapters.wire import operations_of
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.grants import FakeAuthority

LATER = NOON + timedelta(seconds=30)
KEPT = KeptToken("of a grant", "an access token", NOON, NOON + timedelta(minutes=30), forced=True)
AT = 1_790_000_000_000_000


@pytest.fixture
def another(engine):
    """Makes one more worker's view of the one state, on DynamoDB with a client of its own."""
    if not hasattr(engine, "endpoint"):
        state = LocalState()
        return lambda: state

    def view():
        settings = DynamoSettingsStore("emtiaz-test-settings", endpoint=engine.endpoint)
        return DynamoAccessStore(settings.item)

    return view


@pytest.fixture
def state(another):
    return another()


def test_a_mark_begins_where_it_is_told_to(state):
    assert state.push("toy-main", "calls", 5, (0, 2 * AT)) is None
    assert state.restart("toy-main", "calls", 5, (AT, 2 * AT)) == AT
    assert state.push("toy-main", "calls", 7, (AT + 5, AT + 5)) == AT + 5
    assert state.push("toy-main", "calls", 1, (0, 2 * AT)) == AT + 12


def test_a_mark_out_of_bounds_is_not_pushed(state):
    state.restart("toy-main", "calls", 0, (AT, AT))
    assert state.push("toy-main", "calls", 5, (AT + 1, AT + 9)) is None
    assert state.push("toy-main", "calls", 5, (AT - 9, AT - 1)) is None
    assert state.push("toy-main", "calls", 5, (AT, AT)) == AT


def test_a_mark_starts_anew_only_where_it_is_out_of_bounds(state):
    state.restart("toy-main", "calls", 10, (AT, AT))
    assert state.restart("toy-main", "calls", 10, (AT, AT + 10)) is None
    assert state.restart("toy-main", "calls", 10, (AT + 10, AT + 20)) is None
    assert state.restart("toy-main", "calls", 10, (AT + 11, AT + 20)) == AT + 11
    assert state.restart("toy-main", "calls", 10, (AT, AT + 20)) == AT


def test_marks_are_per_connection_and_rate(state):
    for connection, rate in (("toy-main", "calls"), ("toy-main", "search"), ("toy-2", "calls")):
        assert state.restart(connection, rate, 10, (AT, 2 * AT)) == AT


def test_a_lease_is_one_workers_until_it_ends(state):
    assert state.token("toy-main") is None
    assert state.lease("toy-main", "one", NOON, LATER)
    assert not state.lease("toy-main", "two", LATER - timedelta(milliseconds=1), LATER)
    assert state.token("toy-main") is None
    assert state.lease("toy-main", "two", LATER, LATER + timedelta(seconds=30))


def test_only_the_holder_ends_a_lease_or_keeps_a_token(state):
    state.lease("toy-main", "one", NOON, LATER)
    state.keep("toy-main", "two", KEPT)
    state.release("toy-main", "two", NOON)
    assert state.token("toy-main") is None
    assert not state.lease("toy-main", "two", NOON, LATER)
    state.keep("toy-main", "one", KEPT)
    state.release("toy-main", "one", NOON)
    assert state.lease("toy-main", "two", NOON, LATER)
    assert state.token("toy-main") == KEPT
    assert state.token("toy-2") is None


def in_parallel(act, times):
    start = Barrier(times)

    def run(number):
        start.wait()
        return act(number)

    with ThreadPoolExecutor(times) as crowd:
        return list(crowd.map(run, range(times)))


def test_racing_workers_reserve_no_mark_twice(another):
    views = [another() for _ in range(4)]
    views[0].restart("toy-main", "calls", 0, (AT, AT))

    def push(number):
        return [views[number].push("toy-main", "calls", 3, (AT, 2 * AT)) for _ in range(20)]

    marks = [mark for some in in_parallel(push, 4) for mark in some]
    assert sorted(marks) == list(range(AT, AT + 3 * 80, 3))


def test_racing_workers_renew_a_token_once(another):
    clock = FakeClock(datetime.now(UTC).replace(microsecond=0))
    secret = Secret("", (), "", oauth=OAuthGrant("client", "secret", "refresh-0"))
    authority, grants = FakeAuthority(clock, rotates=True), LocalGrants(secret)
    workers = [
        SharedAccess("toy-main", grants=grants, state=another(), clock=clock, revoked=pytest.fail)
        for _ in range(6)
    ]

    def token(number):
        return workers[number].token(authority.refresh)

    assert in_parallel(token, 6) == ["access-1"] * 6
    clock.advance(minutes=26)
    assert set(in_parallel(token, 6)) <= {"access-1", "access-2"}
    assert in_parallel(token, 6) == ["access-2"] * 6
    assert authority.refreshed_with == ["refresh-0", "refresh-1"]


def test_seven_calls_cost_two_requests_of_the_table(dynamodb):
    state = DynamoAccessStore(dynamodb.settings.item)
    pacer = Pacer("toy-main", state, lambda: AT / 1e6, sleep=pytest.fail)
    with operations_of(dynamodb.settings) as operations:
        for _ in range(7):
            pacer.enter(Rate("calls", 190, 10.0))
    assert operations == ["UpdateItem"] * 2
