"""A CRM that cannot be called is left alone, and used again soon after it can be."""

import heapq
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.connector import Connection
from chalicelib.core.errors import CrmUnavailable, OutOfService, RateLimited, Retryable
from chalicelib.pipeline.pause import LONGEST, PROBE_TAKES, SHORTEST, Guard, admit, suspend
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.settings import InMemorySettingsStore

MAIN = Connection("toy-main", "toy", "424242", "https://toy.example", "1", "USD", "UTC")
DOWN = CrmUnavailable("answered 503")


class Shop:
    """One connection, its settings, and work that is begun with what they say."""

    def __init__(self):
        self.clock = FakeClock()
        self.settings = InMemorySettingsStore()
        self.settings.put_connection(MAIN)
        self.settings.publish_policy("toy-main", "v1", {}, NOON)

    @property
    def live(self):
        return self.settings.live("toy-main")

    @property
    def paused_for(self):
        return self.live.paused_until - self.clock.now()

    def begin(self):
        return Guard(self.live, self.settings, self.clock)

    def call(self, guard=None, fails=None):
        """One call of the CRM, by new work unless some goes on."""
        with guard or self.begin():
            if fails:
                raise fails

    def fail(self, error=DOWN, guard=None):
        with pytest.raises(type(error)) as caught:
            self.call(guard, error)
        assert caught.value is error


@pytest.fixture
def shop():
    return Shop()


def test_in_normal_times_nothing_is_asked_of_the_settings(shop, monkeypatch):
    guard = shop.begin()
    for name in ("live", "pause", "claim_probe", "resume"):
        monkeypatch.setattr(shop.settings, name, pytest.fail)
    for _ in range(3):
        shop.call(guard)


def test_the_first_failure_costs_a_second(shop):
    shop.fail()
    assert shop.paused_for == SHORTEST
    assert shop.live.pause_reason == f"down since 2026-03-21T12:00:00.000Z: {DOWN}"
    with pytest.raises(OutOfService, match="toy-main rests: down since") as caught:
        shop.call()
    assert caught.value.until == shop.live.paused_until
    assert caught.value.retry_after == 1


def test_work_that_was_begun_before_a_pause_goes_on(shop):
    guard = shop.begin()
    shop.call(guard)
    shop.fail()
    shop.call(guard)
    assert shop.paused_for == SHORTEST


def test_one_finds_out_and_the_others_wait(shop):
    shop.fail()
    shop.clock.advance(seconds=1)
    probe, late = shop.begin(), shop.begin()
    with probe:
        with pytest.raises(OutOfService):
            shop.call(late)
        with pytest.raises(OutOfService):
            shop.call()
    assert shop.live.paused_until is None
    shop.call()


def test_a_probe_resumes_at_its_first_success_and_only_then(shop, monkeypatch):
    shop.fail()
    shop.clock.advance(seconds=1)
    probe = shop.begin()
    shop.call(probe)
    monkeypatch.setattr(shop.settings, "resume", pytest.fail)
    shop.call(probe)


def test_pauses_grow_with_the_outage_and_not_beyond_a_bound(shop):
    shop.fail()
    pauses = []
    while shop.clock.now() < NOON + timedelta(minutes=3):
        shop.clock.advance(seconds=shop.paused_for.total_seconds())
        shop.fail()
        pauses.append(shop.paused_for)
    assert pauses == sorted(pauses)
    assert pauses[0] < LONGEST == pauses[-1]
    assert shop.live.pause_reason.startswith("down since 2026-03-21T12:00:00.000Z: ")


def test_a_probe_that_dies_is_followed_by_another(shop):
    shop.fail()
    shop.clock.advance(seconds=1)
    assert admit(shop.live, shop.settings, shop.clock.now())
    assert shop.paused_for == PROBE_TAKES
    shop.clock.advance(seconds=PROBE_TAKES.total_seconds())
    shop.call()
    assert shop.live.paused_until is None


def test_an_account_that_is_closed_is_not_called_before_its_time(shop):
    midnight = NOON + timedelta(hours=12)
    shop.fail(OutOfService("the day's calls are spent", until=midnight))
    assert (shop.live.paused_until, shop.live.pause_reason) == (
        midnight,
        "the day's calls are spent",
    )
    shop.clock.advance(hours=11)
    with pytest.raises(OutOfService, match="calls are spent") as caught:
        shop.call()
    assert caught.value.retry_after == 3600
    shop.clock.advance(hours=1)
    shop.call()
    assert shop.live.paused_until is None


def test_a_failure_does_not_shorten_a_longer_pause(shop):
    running = shop.begin()
    shop.call(running)
    midnight = NOON + timedelta(hours=12)
    suspend("toy-main", OutOfService("spent", until=midnight), shop.settings, shop.clock.now())
    shop.fail(DOWN, running)
    assert (shop.live.paused_until, shop.live.pause_reason) == (midnight, "spent")


@pytest.mark.parametrize("error", [RateLimited("busy"), Retryable("a table"), KeyError("a bug")])
def test_what_says_nothing_about_the_crm_neither_pauses_nor_resumes(shop, error):
    shop.fail(error)
    assert shop.live.paused_until is None
    shop.fail()
    shop.clock.advance(seconds=1)
    shop.fail(error)
    assert shop.paused_for == PROBE_TAKES


def work_through(shop, workers, outage, call_seconds, until):
    """When each call was made, by workers that come back when they are told to."""
    calls = []
    queue = [(shop.clock.now(), number) for number in range(workers)]
    while queue:
        at, number = heapq.heappop(queue)
        if at >= until:
            continue
        shop.clock = shop.clock if shop.clock.now() >= at else FakeClock(at)
        wait = call_seconds
        try:
            with shop.begin():
                calls.append(shop.clock.now())
                if outage[0] <= shop.clock.now() < outage[1]:
                    raise DOWN
        except OutOfService as refusal:
            wait = max(1, refusal.retry_after)
        except CrmUnavailable:
            wait = 1
        heapq.heappush(queue, (shop.clock.now() + timedelta(seconds=wait), number))
    return calls


@given(st.integers(1, 12), st.integers(5, 900), st.floats(0.05, 2))
def test_a_crm_that_is_down_is_asked_once_a_second_at_most_and_used_again_soon(
    workers, seconds, call_seconds
):
    shop = Shop()
    outage = NOON + timedelta(seconds=3), NOON + timedelta(seconds=3 + seconds)
    end = outage[1] + timedelta(seconds=60)
    calls = work_through(shop, workers, outage, call_seconds, end)
    # Those that were under way when it went down have yet to hear of it.
    refused = [at for at in calls if outage[0] + SHORTEST <= at < outage[1]]
    assert all(later - earlier >= SHORTEST for earlier, later in pairwise(refused))
    assert len(refused) <= 5 + seconds / LONGEST.total_seconds() + 1
    assert min(at for at in calls if at >= outage[1]) <= outage[1] + LONGEST + SHORTEST
    assert shop.live.paused_until is None
