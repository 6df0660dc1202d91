"""Do the ranges hold what becomes of simulated customers four times of five?"""

from functools import partial
from math import exp, inf
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.prediction.likely_value import likely, purchases_to_come, with_deals
from chalicelib.prediction.purchases import History, PurchaseModel
from chalicelib.prediction.spend import SpendModel

KNOWN, YEAR = 104.0, 52.18
PEOPLE = 2500

STORIES = [
    ((0.6, 6.0, 1.0, 5.0), (6.0, 4.0, 1500.0)),
    ((0.525, 6.183, 0.891, 1.614), (6.25, 3.74, 15_440.0)),
    ((2.0, 8.0, 0.6, 6.0), (2.0, 3.0, 1000.0)),
]


def told_in(purchases, spend, family, seed):
    """Of each simulated customer the history, the mean, and what they paid in the next year."""
    chance, (r, alpha, a, b), (p, q, v) = Random(seed), purchases, spend
    for _ in range(PEOPLE):
        rate, drops = chance.gammavariate(r, 1 / alpha), chance.betavariate(a, b)
        paid = partial(chance.gammavariate, p, 1 / chance.gammavariate(q, 1 / v))
        times = [chance.uniform(0, KNOWN)]
        gone = family == "mbg_nbd" and chance.random() < drops
        while not gone and times[-1] < KNOWN + YEAR:
            times.append(times[-1] + chance.expovariate(rate))
            gone = chance.random() < drops
        known = [at for at in times if at <= KNOWN]
        came = sum(KNOWN < at <= KNOWN + YEAR for at in times)
        x = len(known) - 1
        mean = sum(paid() for _ in range(x)) / x if x else 0.0
        history = History(x, known[-1] - known[0], KNOWN - known[0])
        yield history, mean, sum(paid() for _ in range(came))


@pytest.mark.parametrize("family", ["bg_nbd", "mbg_nbd"])
@pytest.mark.parametrize(("purchases", "spend"), STORIES)
def test_the_range_holds_four_customers_of_five(purchases, spend, family):
    model, amounts = PurchaseModel(family, *purchases), SpendModel(*spend)
    ranged, nothing = [], []
    for history, mean, came in told_in(purchases, spend, family, 5):
        low, high = likely(purchases_to_come(model, amounts, history, mean, t=YEAR, scale=1))
        (ranged if high else nothing).append(low <= came <= high)
    assert sum(ranged) / len(ranged) == pytest.approx(0.8, abs=0.03)
    assert sum(nothing) / len(nothing) > 0.8
    assert min(len(ranged), len(nothing)) > 100


def test_with_open_deals_the_range_holds_four_of_five_too():
    chance, (purchases, spend) = Random(8), STORIES[0]
    model, amounts = PurchaseModel("mbg_nbd", *purchases), SpendModel(*spend)
    deals = [(900, 0.5), (400, 0.3), (1500, 0.2), (700, 0.7), (600, 0.4)]
    expected = sum(amount * p for amount, p in deals)
    deviation = sum(amount**2 * p * (1 - p) for amount, p in deals) ** 0.5
    held = []
    for history, mean, came in told_in(purchases, spend, "mbg_nbd", 6):
        sums = purchases_to_come(model, amounts, history, mean, t=YEAR, scale=1)
        low, high = likely(with_deals(sums, expected, deviation, overlap=0))
        won = sum(amount for amount, p in deals if chance.random() < p)
        held.append(low <= came + won <= high)
    assert sum(held) / len(held) == pytest.approx(0.8, abs=0.05)


histories = st.builds(
    lambda x, parts: History(x, parts[0] * parts[1] * 200 if x else 0.0, parts[1] * 200),
    st.integers(0, 300),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
models = st.builds(
    PurchaseModel,
    st.sampled_from(["bg_nbd", "mbg_nbd"]),
    r=st.floats(0.1, 5),
    alpha=st.floats(0.5, 50),
    a=st.floats(0.1, 5),
    b=st.floats(0.1, 9),
)


WHAT_TRAINING_MAY_FIND = st.builds(
    SpendModel,
    p=st.floats(-9, 9).map(exp),
    q=st.floats(-9, 9).map(lambda at: 1.05 + exp(at)),
    v=st.floats(-7, 28).map(exp),
)


@given(models, WHAT_TRAINING_MAY_FIND, histories, st.sampled_from([0.0, 100.0, 1e12]))
def test_whatever_was_found_of_spend_the_range_is_one_of_sums_or_there_is_none(
    model, spend, h, mean
):
    sums = purchases_to_come(model, spend, h, mean, t=YEAR, scale=0.5)
    if sums:
        low, high = likely(with_deals(sums, 1000.0, 300.0, 0.5))
        assert 0 <= low <= high < inf


def test_of_spend_that_may_be_anything_no_range_is_told():
    model, h = PurchaseModel("mbg_nbd", 0.5, 5.0, 0.8, 2.0), History(3, 5.0, 10.0)
    told = {
        p: bool(purchases_to_come(model, SpendModel(p, 3.0, 1e4), h, 100.0, t=YEAR, scale=0.5))
        for p in (0.0007, 0.01, 0.5, 6.0)
    }
    assert told == {0.0007: False, 0.01: False, 0.5: True, 6.0: True}


@given(models, histories, st.floats(0.1, 60))
def test_counts_are_the_chances_of_the_purchases_that_are_expected(model, h, t):
    found = model.counts(h, t)
    if not found:
        return
    assert all(chance >= 0 for chance in found)
    assert 0.998 < sum(found) < 1 + 1e-9
    assert 1 - found[0] == pytest.approx(model.any_purchase(h, t), rel=1e-9, abs=1e-9)
    least = sum(n * chance for n, chance in enumerate(found))
    expected = model.expected(h, t)
    assert least <= expected * (1 + 1e-6) + 1e-9


def test_the_mean_of_the_counts_is_what_is_expected():
    model, h = PurchaseModel("mbg_nbd", r=0.6, alpha=6.0, a=1.2, b=5.0), History(4, 30.0, 35.0)
    found = model.counts(h, 20)
    mean = sum(n * chance for n, chance in enumerate(found))
    assert mean == pytest.approx(model.expected(h, 20), rel=0.02)


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 1000)), min_size=1, max_size=12))
def test_no_shorter_range_holds_as_much(sums):
    low, high = likely(sums)
    whole = sum(weight for weight, _ in sums)
    held = sum(weight for weight, one in sums if low <= one <= high)
    assert held >= 0.8 * whole - 1e-6
    ends = [one for _, one in sums]
    for start in ends:
        for end in ends:
            if end - start < high - low - 1e-9:
                inside = sum(weight for weight, one in sums if start <= one <= end)
                assert inside < 0.8 * whole + 1e-6
