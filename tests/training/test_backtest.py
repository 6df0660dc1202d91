from collections import Counter
from datetime import date, timedelta
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.prediction.purchases import History, PurchaseModel, RateModel, history_of
from chalicelib.training.backtest import backtest, chances_within
from chalicelib.training.buyers import Past, Population, median, past_of, population_of, two_thirds
from tests.training import cdnow

CUT_OFF, NOW = date(1997, 9, 30), date(1998, 6, 30)
MODEL = PurchaseModel("mbg_nbd", r=0.525, alpha=6.183, a=0.891, b=1.614)
FIRST = date(2024, 1, 1)

customers = st.lists(
    st.lists(st.integers(0, 120).map(lambda n: FIRST + timedelta(days=n)), max_size=9), max_size=25
)


def naive(people, cut_off, now, model):
    """Customer by customer."""
    rows = []
    for days in people:
        history = history_of(days, cut_off, 7)
        if history:
            actual = len({day for day in days if cut_off < day <= now})
            rows.append((model.expected(history, (now - cut_off).days / 7), actual))
    return rows


def correlation(rows):
    x, y = (sum(row[n] for row in rows) / len(rows) for n in (0, 1))
    both = sum((row[0] - x) * (row[1] - y) for row in rows)
    spread = sum((row[0] - x) ** 2 for row in rows) * sum((row[1] - y) ** 2 for row in rows)
    return both / sqrt(spread)


@pytest.fixture(scope="module")
def people():
    return list(cdnow.days().values())


@pytest.fixture(scope="module")
def trial(people):
    return backtest(past_of(people, CUT_OFF, NOW, 7), MODEL)


def test_totals_and_correlation_are_those_of_each_customer_by_itself(people, trial):
    rows = naive(people, CUT_OFF, NOW, MODEL)
    assert trial.customers == len(rows)
    assert trial.predicted == pytest.approx(sum(row[0] for row in rows))
    assert trial.actual == sum(row[1] for row in rows)
    assert trial.correlation == pytest.approx(correlation(rows))
    assert trial.total_ratio == pytest.approx(trial.predicted / trial.actual)


def test_the_best_tenth_is_that_of_a_sorted_list(people, trial):
    rows = sorted(naive(people, CUT_OFF, NOW, MODEL), reverse=True)
    near = sum(row[1] for row in rows[: len(rows) // 10])
    far = sum(row[1] for row in rows[: len(rows) // 10 + 1])
    assert near <= trial.top_decile * trial.actual <= far


def test_tenths_hold_everybody_once(trial):
    assert len(trial.deciles) == 10
    assert sum(one.customers for one in trial.deciles) == pytest.approx(trial.customers)
    actual = sum(one.customers * one.actual for one in trial.deciles)
    predicted = sum(one.customers * one.predicted for one in trial.deciles)
    assert actual == pytest.approx(trial.actual)
    assert predicted == pytest.approx(trial.predicted)
    means = [one.predicted for one in trial.deciles]
    assert means == sorted(means, reverse=True)


def test_intervals_hold_what_they_are_of(trial):
    for value, (low, high) in (
        (trial.total_ratio, trial.interval),
        (trial.correlation, trial.correlation_interval),
        (trial.top_decile, trial.top_decile_interval),
    ):
        assert low < value < high


def test_a_model_beats_the_rule_of_thumb(trial):
    assert abs(trial.total_ratio - 1) < abs(trial.naive_ratio - 1)
    assert trial.correlation > trial.naive_correlation


def test_the_course_counts_every_repeat_purchase_of_those_who_were_known(people, trial):
    days = [set(one) for one in people if min(one) <= CUT_OFF]
    end = min(map(min, days)) + timedelta(days=7 * len(trial.weekly))
    assert (NOW - end).days < 7
    whole = sum(sum(day < end for day in one) - 1 for one in days)
    assert sum(step.actual for step in trial.weekly) == whole
    expected = sum(MODEL.unconditional((NOW - min(one)).days / 7) for one in days)
    assert sum(step.expected for step in trial.weekly) == pytest.approx(expected, rel=0.02)


def test_chances_hold_everybody_and_every_buyer(people, trial):
    assert sum(one.customers for one in trial.chances) == trial.customers
    buyers = sum(1 for _, actual in naive(people, CUT_OFF, NOW, MODEL) if actual)
    assert sum(one.buyers for one in trial.chances) == buyers


def test_counts_hold_within_a_quarter():
    row = History(1, 4.0, 10.0)
    model = RateModel(rate=1.0, tau=10, median_gap=10)
    expected = model.expected(row, 10)
    assert expected == pytest.approx(5.5)
    held = [
        backtest(Past(7, 10, {(row, actual): 4}, {}, {}), model).counts_hold
        for actual in (4, 5, 7, 8)
    ]
    assert held == [False, True, True, False]


def test_a_past_without_purchases_says_nothing_of_counts():
    trial = backtest(Past(7, 10, {(History(1, 4.0, 10.0), 0): 9}, {}, {}), MODEL)
    assert (trial.total_ratio, trial.top_decile, trial.correlation) == (None, None, None)
    assert not trial.counts_hold


def test_an_empty_past_is_no_trouble():
    trial = backtest(Past(7, 10, {}, {}, {}), MODEL)
    assert (trial.customers, trial.actual, trial.weekly, trial.deciles) == (0, 0, (), ())
    assert trial.to_json()["total_ratio"] is None


@settings(max_examples=40)
@given(customers, st.integers(0, 25))
def test_shards_add_up_to_the_whole(people, cut):
    now, cut_off = FIRST + timedelta(days=100), FIRST + timedelta(days=60)
    parts = people[:cut], people[cut:]
    whole = past_of(people, cut_off, now, 7, since=FIRST)
    summed = past_of(parts[0], cut_off, now, 7, since=FIRST) + past_of(
        parts[1], cut_off, now, 7, since=FIRST
    )
    assert summed == whole
    one, other = (population_of(part, now, 7) for part in parts)
    assert one + other == population_of(people, now, 7)


@given(customers)
def test_a_population_counts_its_customers_and_their_gaps(people):
    now = FIRST + timedelta(days=90)
    found = population_of(people, now, 7)
    known = [sorted({day for day in days if day <= now}) for days in people]
    known = [days for days in known if days]
    assert found.customers == len(known)
    assert found.repeaters == sum(len(days) > 1 for days in known)
    assert sum(found.gaps.values()) == sum(len(days) - 1 for days in known)
    usual = found.usual
    assert 0 <= usual.recency <= usual.age


def test_the_usual_customer_has_the_medians():
    found = Population(
        {History(0, 0.0, 10.0): 2, History(2, 6.0, 10.0): 3, History(3, 8.0, 20.0): 4}, {}
    )
    assert found.usual == History(2, 0.0, 10.0)
    assert Population({}, {}).usual == History(0, 0.0, 0.0)
    assert Population({}, {}).median_gap is None


@given(st.dictionaries(st.floats(-99, 99), st.integers(0, 6), max_size=12))
def test_a_median_is_that_of_the_list(counts):
    from statistics import median as plain

    values = list(Counter(counts).elements())
    assert median(counts) == (plain(values) if values else None)


def test_what_comes_after_two_thirds_is_kept():
    assert two_thirds(FIRST, FIRST + timedelta(days=90)) == FIRST + timedelta(days=60)
    assert two_thirds(FIRST, FIRST) == FIRST


@given(customers, st.integers(1, 60))
def test_who_buys_within_so_many_days_is_counted_person_by_person(people, days):
    cut_off, now = FIRST + timedelta(days=60), FIRST + timedelta(days=120)
    naive_counts = {}
    for bought in people:
        history = history_of(bought, cut_off, 7)
        if history:
            counts = naive_counts.setdefault(MODEL.any_purchase(history, days / 7), [0, 0])
            counts[0] += 1
            counts[1] += any(cut_off < day <= cut_off + timedelta(days=days) for day in bought)
    found = chances_within(past_of(people, cut_off, now, 7), MODEL, days)
    assert {one.chance: [one.customers, one.buyers] for one in found} == naive_counts
