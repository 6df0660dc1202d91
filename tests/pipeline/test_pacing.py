"""All workers of a connection together keep a rolling window, and use nearly all of it.

Time is simulated: every worker has its own, and the one that is furthest behind goes next.
"""

import heapq
import itertools
import math
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.connector import Rate
from chalicelib.core.errors import RateLimited
from chalicelib.pipeline.local_access import LocalState
from chalicelib.pipeline.pacing import LARGEST_BLOCK, LONGEST_WAIT_S, SECOND, Pace, Pacer

PROFESSIONAL = Rate("calls", 190, 10.0)
FREE = Rate("calls", 100, 10.0)
OAUTH = Rate("calls", 110, 10.0)
SEARCHES = Rate("search", 5, 1.0)
START = 1_790_000_000.0


@dataclass
class CountedState(LocalState):
    """``requests`` is what the state was asked, as a table would bill it."""

    requests: int = 0

    def __post_init__(self):
        super().__init__()

    def push(self, *given):
        self.requests += 1
        return super().push(*given)

    def restart(self, *given):
        self.requests += 1
        return super().restart(*given)


@dataclass
class Worker:
    """Calls one after the other. ``skew`` is how far its clock is ahead, ``lag`` how long
    each call takes, of which ``way`` until it reaches the CRM; all in seconds.
    """

    state: LocalState
    rate: Rate
    lag: float = 0.1
    skew: float = 0.0
    way: float = 0.0
    now: float = START
    pacer: Pacer = field(init=False)

    def __post_init__(self):
        self.pacer = Pacer("toy-main", self.state, lambda: self.now + self.skew, self.sleep)

    def sleep(self, seconds):
        assert 0 < seconds <= LONGEST_WAIT_S
        self.now += seconds

    def call(self, random):
        """When the call reached the CRM."""
        self.pacer.enter(self.rate)
        arrived = self.now + random.uniform(0, self.way)
        self.now += random.uniform(0.5, 1.5) * self.lag
        return arrived


def saturate(workers, until, random):
    """Arrival times of the calls of workers that always have something to ask."""
    arrivals = []
    queue = [(worker.now, number) for number, worker in enumerate(workers)]
    while queue:
        _, number = heapq.heappop(queue)
        try:
            arrivals.append(workers[number].call(random))
        except RateLimited as refusal:
            workers[number].now += refusal.retry_after
        if workers[number].now < until:
            heapq.heappush(queue, (workers[number].now, number))
    return sorted(arrivals)


def most_in_any_window(arrivals, seconds):
    """Rolling, as the CRM counts: the calls after ``t - seconds`` up to ``t``, for every call."""
    return max(sum(at - seconds < one <= at for one in arrivals) for at in arrivals)


rates = st.one_of(
    st.sampled_from([PROFESSIONAL, FREE, OAUTH, SEARCHES]),
    st.builds(Rate, st.just("any"), st.integers(1, 250), st.sampled_from([1.0, 2.0, 5.0, 10.0])),
)


@settings(max_examples=60)
@given(rate=rates, lags=st.lists(st.floats(0.001, 1.5), min_size=1, max_size=8), seed=st.integers())
def test_no_window_ever_holds_more_calls_than_the_rate_allows(rate, lags, seed):
    random, state = Random(seed), LocalState()
    # What the guard leaves for network and clocks, see GUARD_SHARE and LATE_SHARE.
    shift = 0.3 * max(0.1, 0.035 * rate.seconds)
    workers = [
        Worker(state, rate, lag, skew=random.uniform(0, shift / 2), way=shift / 2) for lag in lags
    ]
    arrivals = saturate(workers, START + 3 * rate.seconds, random)
    assert most_in_any_window(arrivals, rate.seconds) <= rate.calls


@pytest.mark.parametrize("rate", [PROFESSIONAL, FREE, OAUTH, SEARCHES])
@pytest.mark.parametrize(("workers", "lag"), [(6, 0.01), (6, 0.1), (12, 0.25), (20, 0.6)])
def test_nine_tenths_of_the_limit_are_used_when_there_is_enough_to_do(rate, workers, lag):
    state = CountedState()
    crowd = [Worker(state, rate, lag) for _ in range(workers)]
    arrivals = saturate(crowd, START + 12 * rate.seconds, Random(1))
    begin = START + rate.seconds
    in_ten_windows = [at for at in arrivals if begin <= at < begin + 10 * rate.seconds]
    assert len(in_ten_windows) >= 0.9 * 10 * rate.calls
    assert most_in_any_window(arrivals, rate.seconds) <= rate.calls


@pytest.mark.parametrize("lag", [0.01, 0.1])
def test_busy_workers_ask_the_shared_state_far_less_often_than_they_call(lag):
    state = CountedState()
    crowd = [Worker(state, PROFESSIONAL, lag) for _ in range(6)]
    arrivals = saturate(crowd, START + 30, Random(1))
    assert state.requests < len(arrivals) / 3


def test_the_calls_for_one_delivery_cost_two_requests_and_no_waiting():
    worker = Worker(CountedState(), PROFESSIONAL, lag=0.1)
    for _ in range(7):
        before = worker.now
        worker.pacer.enter(PROFESSIONAL)
        assert worker.now == before
        worker.now += worker.lag
    assert worker.state.requests == 2


def test_several_workers_begin_at_once_where_nobody_called_for_a_while():
    state = LocalState()
    crowd = [Worker(state, PROFESSIONAL) for _ in range(3)]
    assert [worker.call(Random(1)) for worker in crowd] == [START] * 3


def test_a_worker_that_rested_makes_nothing_of_what_it_had_reserved():
    state = LocalState()
    sleeper = Worker(state, FREE)
    sleeper.pacer.enter(FREE)
    sleeper.now += 60
    busy = [Worker(state, FREE, lag=0.01, now=START + 50) for _ in range(4)]
    arrivals = saturate([sleeper, *busy], START + 75, Random(2))
    assert most_in_any_window(arrivals, FREE.seconds) <= FREE.calls


def test_a_long_wait_is_left_to_the_queue():
    state = LocalState()
    worker = Worker(state, FREE)
    at = int((START + LONGEST_WAIT_S + 1) * SECOND)
    state.restart("toy-main", "calls", 0, (at, at))
    with pytest.raises(RateLimited, match="100 calls in 10 s") as caught:
        worker.pacer.enter(FREE)
    assert worker.now == START
    assert caught.value.retry_after >= LONGEST_WAIT_S


@pytest.mark.parametrize("rate", [PROFESSIONAL, SEARCHES, Rate("slow", 1, 10.0)])
def test_a_worker_whose_clock_went_wrong_stops_nobody_for_long(rate):
    state = LocalState()
    Worker(state, rate, skew=3600).pacer.enter(rate)
    worker = Worker(state, rate)
    worker.pacer.enter(rate)
    assert worker.now == START


def test_whoever_is_turned_away_leaves_the_others_their_turn():
    state = LocalState()
    crowd = [Worker(state, FREE, lag=0.001) for _ in range(60)]
    arrivals = saturate(crowd, START + 30, Random(3))
    assert sum(START + 10 <= at < START + 30 for at in arrivals) >= 0.9 * 200
    assert most_in_any_window(arrivals, FREE.seconds) <= FREE.calls


def test_rates_and_connections_do_not_stand_in_each_others_way():
    state = LocalState()
    for name in ("one", "two"):
        pacer = Pacer(name, state, lambda: START, sleep=pytest.fail)
        pacer.enter(Rate("calls", 5, 10.0))
        pacer.enter(Rate("search", 5, 1.0))


def test_a_worker_too_slow_for_its_marks_calls_all_the_same():
    state, ticks = LocalState(), itertools.count()
    pacer = Pacer("toy-main", state, lambda: START + next(ticks), sleep=pytest.fail)
    pacer.enter(FREE)


@given(rates)
def test_a_pace_holds_what_its_module_says(rate):
    pace = Pace.of(rate)
    span = rate.seconds * SECOND + pace.early + pace.late
    assert math.ceil(span / pace.interval) <= rate.calls
    assert 1 <= pace.block <= LARGEST_BLOCK
